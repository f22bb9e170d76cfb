import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { HandshakeFailure } from "#model/records/outcome.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask } from "#harness/many-clients.ts";
import { openFileCount } from "#harness/process-facts.ts";
import { connectionLineOf, failureLineOf, servedText, visit } from "#harness/recorded-handshake.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { tlsConnect, type TlsClient, type TlsConnectOptions } from "#harness/tls-client.ts";

const waiting = 40;
const changeMs = 15_000;
const ports = { tls: 8443, partners: 8444, sealed: 8445, plain: 8446 } as const;
type Port = keyof typeof ports;

/** A connection that has been accepted and has sent nothing yet. */
interface Waiting {
  readonly socket: SocketClient;
  readonly address: string;
}

forEachEngineIfLong("node", (engine) => {
  const ip = uniqueVirtualIp();
  const issued: Record<string, IssuedCertificate> = {};
  let ca: TestCa;
  let otherCa: TestCa;
  let first: Endpoint;
  let second: Endpoint;
  let sealed: Endpoint;
  let director: Director;
  let document: object;
  let workerPids: readonly number[];
  let idleFiles: number;

  interface Variant {
    readonly servers?: readonly string[];
    readonly certificate?: string;
    readonly policies?: object;
    /** Added to every TLS listener. */
    readonly listener?: object;
    /** Added to every listener. */
    readonly lists?: object;
    readonly mode?: string;
    readonly isWithoutVnic?: boolean;
    readonly endpointCa?: string;
  }

  const documentOf = (variant: Variant = {}): object => {
    const { certificate = "shop", listener = {}, endpointCa = "ca.pem" } = variant;
    const of = (port: Port, more: object): object => ({
      port: ports[port],
      to: first.port,
      certificates: [certificate],
      // Longer than a busy machine takes for a change.
      timeouts: { handshake: "60s" },
      ...listener,
      ...variant.lists,
      ...more,
    });
    const sealedTls = { ca: endpointCa, serverName: "sealed.example" };
    const front = {
      ip,
      listeners: [
        of(
          "tls",
          variant.mode === undefined ? {} : { mode: "redirect", to: 443, certificates: [] },
        ),
        of("partners", { policy: "partners" }),
        of("sealed", { to: sealed.port, endpointTls: sealedTls }),
        { port: ports.plain, mode: "redirect", ...variant.lists },
      ],
    };
    return {
      servers: { one: { address: first.host }, two: { address: second.host } },
      profiles: {
        shop: {
          servers: variant.servers ?? ["one"],
          vnics: variant.isWithoutVnic === true ? {} : { front },
        },
      },
      certificates: {
        shop: { chain: "shop.pem", key: "shop.key" },
        other: { chain: "other.pem", key: "other.key" },
      },
      policies: {
        partners: { clientAuth: { mode: "require", ca: "partners.pem", crl: "partners.crl" } },
        ...variant.policies,
      },
    };
  };

  const reload = async (variant: Variant = {}): Promise<void> => {
    const wanted = documentOf(variant);
    if (JSON.stringify(wanted) === JSON.stringify(document)) return;
    document = wanted;
    const { outcome, line } = await director.reload(wanted, changeMs);
    assert.notEqual(outcome, "refused", JSON.stringify(line));
  };

  /** Writes new files and waits until they are served. */
  const replaceFiles = async (files: Record<string, string>): Promise<void> => {
    const from = director.logs.length;
    await writeFiles(director.dir, files);
    await director.waitForLog((line) => isEvent(line, "certificate-changed"), changeMs, from);
  };

  const issue = async (name: string): Promise<IssuedCertificate> => {
    const certificate = await ca.issue({ names: ["shop.example"] });
    issued[name] = certificate;
    return certificate;
  };

  const partner = async (): Promise<IssuedCertificate> =>
    ca.issue({ names: ["partner.example"], usage: "client" });

  before(async () => {
    [ca, otherCa] = await Promise.all([createTestCa(), createTestCa("another CA")]);
    [first, second] = [
      await startHttpEndpoint(servedText),
      await startHttpEndpoint(servedText, { host: uniqueVirtualIp() }),
    ];
    // The same port on both, as `to` is one number.
    await second.close();
    await second.listen(first.port);
    const inside = await ca.issue({ names: ["sealed.example"] });
    sealed = await startHttpEndpoint(servedText, {
      tls: { cert: inside.chainPem, key: inside.keyPem },
    });
    const [shop, other] = [await issue("shop"), await issue("other")];
    document = documentOf();
    director = await startDirector({
      document,
      engine,
      workers: 2,
      files: {
        ...{ "shop.pem": shop.chainPem, "shop.key": shop.keyPem },
        ...{ "other.pem": other.chainPem, "other.key": other.keyPem },
        ...{ "ca.pem": ca.certificatePem, "other-ca.pem": otherCa.certificatePem },
        ...{ "partners.pem": ca.certificatePem, "partners.crl": await ca.revocationList([]) },
      },
    });
    workerPids = await director.workerPids();
    await visit({ host: ip, port: ports.tls, ca: ca.certificatePem, servername: "shop.example" });
    await eventually(
      async () => (await director.metrics()).sum("tlsd_connections_ended_total") === 1,
      changeMs,
      "the end of the visit",
    );
    idleFiles = openFiles();
  });

  const openWaiting = async (port: Port, count = waiting): Promise<readonly Waiting[]> => {
    await reload();
    await eventually(() => openFiles() <= idleFiles, changeMs, "no open connection");
    const all = await Promise.all(
      Array.from({ length: count }, async () => {
        const address = uniqueLocal();
        const target = { host: ip, port: ports[port], localAddress: address };
        return { socket: await rawConnect(target), address };
      }),
    );
    // What the kernel has completed, a worker may not have accepted yet.
    const wanted = idleFiles + count;
    await eventually(() => openFiles() >= wanted, changeMs, `${count} accepted connections`);
    return all;
  };

  const openFiles = (): number => workerPids.reduce((sum, pid) => sum + openFileCount(pid), 0);

  let used = 0;
  const net = uniqueVirtualIp();
  /** Client addresses of a /24 network: a process has too few virtual IPs for all of them. */
  const uniqueLocal = (): string => {
    used = (used % 250) + 1;
    return net.replace(/\d+$/, String(used));
  };

  const shakeHands = (
    { socket }: Waiting,
    options: Partial<TlsConnectOptions> = {},
  ): Promise<TlsClient> =>
    tlsConnect({ over: socket, ca: ca.certificatePem, servername: "shop.example", ...options });

  /** Every waiting client must be served; returns the serials that they were shown. */
  const serveAll = async (
    clients: readonly Waiting[],
    options: Partial<TlsConnectOptions> = {},
  ): Promise<ReadonlySet<string>> => {
    const serials = clients.map(async (client) => {
      await using tls = await shakeHands(client, options);
      await ask(tls);
      return tls.facts.peerCertificate.serialNumber.toLowerCase();
    });
    return new Set(await Promise.all(serials));
  };

  const assertRefused = async (
    clients: readonly Waiting[],
    failure: HandshakeFailure,
    options: Partial<TlsConnectOptions> = {},
  ): Promise<void> => {
    for (const client of clients) {
      const served = shakeHands(client, options).then((tls) => ask(tls));
      await assert.rejects(served);
      assert.equal((await failureLineOf(director, client.address))["failure"], failure);
    }
  };

  const noInternalFailure = (): void => {
    const internal = director.logs.filter(
      (line) => line["failure"] === "internal" || isEvent(line, "worker-notice"),
    );
    assert.deepEqual(internal, []);
  };

  describe("a client that waits with its ClientHello", { concurrency: false }, () => {
    it("is shown the certificate whose files were replaced meanwhile", async () => {
      const clients = await openWaiting("tls");
      const { chainPem, keyPem, serial } = await issue("shop");
      await replaceFiles({ "shop.pem": chainPem, "shop.key": keyPem });
      assert.deepEqual(await serveAll(clients), new Set([serial]));
      noInternalFailure();
    });

    it("is shown the certificate that the listener was given meanwhile", async () => {
      const clients = await openWaiting("tls");
      await reload({ certificate: "other" });
      assert.deepEqual(await serveAll(clients), new Set([issued["other"]?.serial]));
    });

    it("is served by the last version of a listener that is gone", async () => {
      const clients = await openWaiting("tls");
      await reload({ isWithoutVnic: true });
      assert.deepEqual(await serveAll(clients), new Set([issued["shop"]?.serial]));
      noInternalFailure();
    });

    it("is served by the newest version of a listener that went and came back", async () => {
      const clients = await openWaiting("tls");
      await reload({ isWithoutVnic: true });
      await reload({ certificate: "other" });
      assert.deepEqual(await serveAll(clients), new Set([issued["other"]?.serial]));
    });

    it("is served by the last version of a listener whose mode has changed", async () => {
      const clients = await openWaiting("tls");
      await reload({ mode: "redirect", certificate: "other" });
      assert.deepEqual(await serveAll(clients), new Set([issued["shop"]?.serial]));
    });

    it("goes to the server that the profile was moved to", async () => {
      const clients = await openWaiting("tls");
      const [onFirst, onSecond] = [first.accepted, second.accepted];
      await reload({ servers: ["two"] });
      await serveAll(clients);
      assert.deepEqual([first.accepted - onFirst, second.accepted - onSecond], [0, waiting]);
    });

    it("is held to the policy that the document has by then", async () => {
      const [refused, ...served] = await openWaiting("tls", 4);
      assert.ok(refused !== undefined);
      await reload({ listener: { policy: "modern" } });
      await assertRefused([refused], "unsupported-version", { maxVersion: "TLSv1.2" });
      await serveAll(served);
    });

    it("is refused if its certificate was revoked, and served if it was not", async () => {
      const [good, revoked] = [await partner(), await partner()];
      const clients = await openWaiting("partners", 8);
      await replaceFiles({ "partners.crl": await ca.revocationList([revoked.serial]) });
      await assertRefused(clients.slice(0, 4), "revoked-client-certificate", {
        cert: revoked.chainPem,
        key: revoked.keyPem,
      });
      await serveAll(clients.slice(4), { cert: good.chainPem, key: good.keyPem });
      noInternalFailure();
    });

    it("is held to the client CA that was replaced meanwhile", async () => {
      const former = await partner();
      const current = await otherCa.issue({ names: ["partner.example"], usage: "client" });
      const clients = await openWaiting("partners", 8);
      // Two files, of which one does not go with the other: the pair is served once both are there.
      await replaceFiles({
        "partners.pem": otherCa.certificatePem,
        "partners.crl": await otherCa.revocationList([]),
      });
      await assertRefused(clients.slice(0, 4), "untrusted-client-certificate", {
        cert: former.chainPem,
        key: former.keyPem,
      });
      await serveAll(clients.slice(4), { cert: current.chainPem, key: current.keyPem });
    });

    it("is turned away by a list that has its address by then, and counted as refused, not as a failed handshake", async () => {
      for (const list of [
        { denyFrom: [net.replace(/\d+$/, "0/24")] },
        { allowFrom: [`${ip}/32`] },
      ]) {
        const clients = await openWaiting("tls", 2);
        await reload({ lists: list });
        await assertRefused(clients, "not-allowed");
        const plain = await openWaiting("plain", 1);
        await reload({ lists: list });
        for (const { socket, address } of plain) {
          await socket.send("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
          assert.equal(await socket.read.outcome(), "ECONNRESET");
          assert.equal((await failureLineOf(director, address))["failure"], "not-allowed");
        }
      }
      // Two waited on the TLS listener and one on the other, under each of the two lists.
      await eventually(async () => {
        const metrics = await director.metrics();
        const cause = "not-allowed";
        assert.equal(metrics.sum("tlsd_connections_refused_total", { cause }), 2 * 3);
        assert.equal(metrics.sum("tlsd_handshakes_failed_total", { cause }), 0);
        return true;
      }, changeMs);
    });

    it("has its endpoint verified by the CA that the listener has by then", async () => {
      const served = await openWaiting("sealed", 4);
      await reload({ isWithoutVnic: true });
      await serveAll(served);
      const refused = await openWaiting("sealed", 2);
      await reload({ endpointCa: "other-ca.pem" });
      for (const client of refused) {
        const tls = await shakeHands(client);
        assert.notEqual(await tls.read.outcome(), "end");
        const record = await connectionLineOf(director, client.address);
        assert.equal(record["endpointFailure"], "untrusted");
      }
      noInternalFailure();
    });
  });

  it("a client of a worker that has a successor is shown the certificate that comes after it", async () => {
    const clients = await openWaiting("tls");
    const from = director.logs.length;
    director.signal("SIGUSR2");
    await director.waitForLog((line) => isEvent(line, "workers-replaced"), changeMs, from);
    const { chainPem, keyPem, serial } = await issue("shop");
    await replaceFiles({ "shop.pem": chainPem, "shop.key": keyPem });
    assert.deepEqual(await serveAll(clients), new Set([serial]));
    noInternalFailure();
  });

  it("a client whose ClientHello is half there is shown the certificate that comes before its end", async () => {
    await reload();
    const { chainPem, keyPem, serial } = await issue("shop");
    const cutHello = async function* (hello: Buffer): AsyncIterable<Uint8Array> {
      yield hello.subarray(0, 100);
      await replaceFiles({ "shop.pem": chainPem, "shop.key": keyPem });
      yield hello.subarray(100);
    };
    const target = { host: ip, port: ports.tls, ca: ca.certificatePem, servername: "shop.example" };
    await using tls = await tlsConnect({ ...target, cutHello });
    await ask(tls);
    assert.equal(tls.facts.peerCertificate.serialNumber.toLowerCase(), serial);
  });

  it("a CA bundle that cannot be used is refused, and the status says so until it is mended", async () => {
    const path = join(director.dir, "partners.pem");
    const good = await readFile(path, "utf8");
    const isNoted = async (): Promise<boolean> =>
      (await director.status()).notices.some((notice) => notice.includes("CRL files are refused"));
    await writeFile(path, "");
    await eventually(isNoted, changeMs);
    await writeFile(path, good);
    await eventually(async () => !(await isNoted()), changeMs);
  });
});
