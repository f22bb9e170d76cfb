import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { before, it } from "node:test";
import type { Problem } from "#model/failure.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { ask, shownSerials } from "#harness/many-clients.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient, type TlsConnectOptions } from "#harness/tls-client.ts";

const noticeMs = 15_000;

interface Wanted {
  /** The ports of the vNIC front.shop. */
  readonly ports: readonly number[];
  readonly admin?: "up" | "down";
  /** The servers of the profile. */
  readonly servers?: readonly string[];
  /** More sections of the document. */
  readonly more?: object;
}

forEachEngineIfLong("bun", (engine) => {
  const frontIp = uniqueVirtualIp();
  const backIp = uniqueVirtualIp();
  let ca: TestCa;
  let issued: IssuedCertificate;
  let onFirst: Endpoint;
  let onSecond: Endpoint;
  let director: Director;
  /** This client is connected to a vNIC that no change touches. */
  let untouched: TlsClient;

  const documentOf = ({ ports, admin = "up", servers = ["first"], more }: Wanted): object => {
    const listener = { to: onFirst.port, certificates: ["shop"] };
    const vnics = {
      front: { ip: frontIp, admin, listeners: ports.map((port) => ({ port, ...listener })) },
    };
    const back = { ip: backIp, listeners: [{ port: 8443, ...listener }] };
    return {
      servers: { first: { address: onFirst.host }, second: { address: onSecond.host } },
      profiles: {
        shop: { servers, vnics },
        untouched: { servers: ["first"], vnics: { back } },
      },
      certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
      ...more,
    };
  };

  const at = (port: number, host = frontIp): TlsConnectOptions => ({
    host,
    port,
    ca: ca.certificatePem,
    servername: "shop.example",
  });

  const assertClosed = async (port: number): Promise<void> => {
    await assert.rejects(rawConnect(at(port)), { code: "ECONNREFUSED" });
  };

  const apply = async (wanted: Wanted): Promise<LogLine> => {
    const { outcome, line } = await director.reload(documentOf(wanted));
    assert.equal(outcome, "applied", JSON.stringify(line));
    await ask(untouched);
    return line;
  };

  /** Every test starts from this document, whatever the test before has left. */
  const settle = async (): Promise<void> => {
    const { outcome } = await director.reload(documentOf({ ports: [8443] }));
    assert.notEqual(outcome, "refused");
  };

  const refuse = async (document: object | string): Promise<LogLine> => {
    const { outcome, line } = await director.reload(document);
    assert.equal(outcome, "refused", JSON.stringify(line));
    const { lastRefusal } = await director.status();
    assert.equal(lastRefusal, line["msg"]);
    await visit(at(8443));
    await ask(untouched);
    return line;
  };

  const listening = (from: number): readonly unknown[] =>
    director.logs
      .slice(from)
      .filter((line) => isEvent(line, "listening"))
      .map((line) => line["listener"]);

  before(async () => {
    ca = await createTestCa();
    issued = await ca.issue({ names: ["shop.example"] });
    onFirst = await startHttpEndpoint(servedText);
    onSecond = await startHttpEndpoint(servedText, { host: "127.0.0.2", port: onFirst.port });
    const files = { "shop.pem": issued.chainPem, "shop.key": issued.keyPem };
    director = await startDirector({ document: documentOf({ ports: [8443] }), engine, files });
    untouched = await tlsConnect(at(8443, backIp));
    await ask(untouched);
  });

  it("opens listeners that are added and closes those that are gone, whose connections go on", async () => {
    await settle();
    const from = director.logs.length;
    const { revision } = await director.status();
    assert.equal((await apply({ ports: [8443, 9443] }))["revision"], revision + 1);
    assert.deepEqual(listening(from), ["front.shop:9443"]);
    await shownSerials(at(9443));
    const open = await tlsConnect(at(8443));
    await ask(open);
    await apply({ ports: [9443] });
    await assertClosed(8443);
    await shownSerials(at(9443));
    await ask(open);
    await apply({ ports: [7443] });
    await assertClosed(9443);
    await shownSerials(at(7443));
    assert.equal((await director.status()).revision, revision + 3);
  });

  it("takes a vNIC down and up again", async () => {
    await settle();
    await apply({ ports: [8443], admin: "down" });
    await assertClosed(8443);
    const shown = await director.cli("show", "vnics", "front.shop");
    assert.match(shown.stdout, /front\.shop .*down\/down/);
    await apply({ ports: [8443] });
    await shownSerials(at(8443));
  });

  it("moves a profile to another server: it keeps its virtual IP, and open connections go on", async () => {
    await settle();
    const open = await tlsConnect(at(8443));
    await ask(open);
    await apply({ ports: [8443], servers: ["second"] });
    const former = [onFirst.accepted, onSecond.accepted] as const;
    await shownSerials(at(8443), 8);
    assert.deepEqual([onFirst.accepted, onSecond.accepted], [former[0], former[1] + 8]);
    await ask(open);
  });

  it("refuses a document with problems, names all of them and changes nothing", async () => {
    await settle();
    const refusals = async (): Promise<number> =>
      (await director.metrics()).sum("tlsd_changes_total", { outcome: "refused" });
    const refusedBefore = await refusals();
    const profiles = { lost: { servers: ["nowhere"], vnics: {} } };
    const wrong = { ...documentOf({ ports: [8443, 9443] }), profiles, color: "blue" };
    const { problems } = await refuse(wrong);
    const paths = (problems as readonly Problem[]).map(({ path }) => path);
    assert.deepEqual(paths.toSorted(), ["color", "profiles.lost.servers[0]"]);
    for (const { file, line, column } of problems as readonly Problem[]) {
      assert.equal(file, director.documentPath);
      assert.ok(Number(line) > 1 && Number(column) > 0);
    }
    await assertClosed(9443);
    const unreadable = await refuse("servers: [\n");
    assert.match(
      JSON.stringify(unreadable["problems"]),
      /document-unreadable.*"line":2,"column":1/,
    );
    assert.equal(await refusals(), refusedBefore + 2);
  });

  it("does nothing for a document that says the same in another way", async () => {
    await settle();
    const { revision } = await director.status();
    const snapshotsOf = async (): Promise<readonly number[]> =>
      (await director.workers()).map(({ snapshot }) => snapshot);
    const snapshots = await snapshotsOf();
    const same = `# the same\n${JSON.stringify(documentOf({ ports: [8443] }), undefined, 4)}\n`;
    assert.equal((await director.reload(same)).outcome, "unchanged");
    assert.equal((await director.status()).revision, revision);
    assert.deepEqual(await snapshotsOf(), snapshots);
  });

  it("says that settings under `director` wait for the next start", async () => {
    await settle();
    const from = director.logs.length;
    const more = { director: { drain: "7s" } };
    const { outcome } = await director.reload(documentOf({ ports: [8443], more }));
    assert.equal(outcome, "unchanged");
    assert.ok(director.logs.slice(from).some((line) => isEvent(line, "restart-needed")));
  });

  it("refuses a port that another program holds, by name, and opens none of the others", async () => {
    await settle();
    const holder = await startEndpoint((socket) => void socket.destroy(), { host: frontIp });
    const line = await refuse(documentOf({ ports: [8443, 9443, holder.port] }));
    assert.equal(line["code"], "address-in-use");
    assert.match(String(line["msg"]), new RegExp(`front\\.shop:${holder.port}`));
    await assertClosed(9443);
    await holder.close();
    await apply({ ports: [8443, 9443, holder.port] });
    await shownSerials(at(holder.port));
    await shownSerials(at(9443));
  });

  it("shows new certificate files from the moment when it is answered, under the same revision", async () => {
    await settle();
    const { revision } = await director.status();
    issued = await ca.issue({ names: ["shop.example"] });
    await issued.writeTo(director.dir, "shop");
    // The watcher looks once a second and may have been quicker.
    const { outcome } = await director.reload(documentOf({ ports: [8443] }));
    assert.notEqual(outcome, "refused");
    assert.deepEqual(await shownSerials(at(8443)), [issued.serial]);
    assert.equal((await director.status()).revision, revision);
    await ask(untouched);
  });

  it("applies a document while a certificate file is broken, and keeps the last good version of the certificate", async () => {
    await settle();
    const other = await ca.issue({ names: ["shop.example"] });
    await writeFile(`${director.dir}/shop.key`, other.keyPem);
    await apply({ ports: [8443, 9443] });
    assert.deepEqual(await shownSerials(at(9443)), [issued.serial]);
    assert.deepEqual(await shownSerials(at(8443)), [issued.serial]);
    const refused = await eventually(
      async () => (await director.status()).certificates.find(({ state }) => state === "refused"),
      noticeMs,
    );
    assert.match(refused.problem ?? "", /does not belong/);

    // One that it never had, it cannot keep.
    const certificates = {
      shop: { chain: "shop.pem", key: "shop.key" },
      torn: { chain: "shop.pem", key: "none.key" },
    };
    const line = await refuse(documentOf({ ports: [8443, 9443], more: { certificates } }));
    assert.match(JSON.stringify(line["problems"]), /certificates\.torn/);

    await writeFile(`${director.dir}/shop.pem`, other.chainPem);
    await eventually(
      async () => (await shownSerials(at(9443))).join(" ") === other.serial,
      noticeMs,
      "the mended certificate",
    );
    issued = other;
  });

  it("ends on the newest document when many changes are asked for at once", async () => {
    await settle();
    const superseded = [9001, 9002, 9003, 9004];
    for (const port of [...superseded, 9005]) {
      await writeFile(director.documentPath, JSON.stringify(documentOf({ ports: [8443, port] })));
      director.signal("SIGHUP");
    }
    await eventually(() => visit(at(9005)), noticeMs, "the newest document");
    for (const port of superseded) await assertClosed(port);
    await visit(at(8443));
    await ask(untouched);
  });
});
