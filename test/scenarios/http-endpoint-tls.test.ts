import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { writeFiles, type FileContents } from "#harness/temp-folder.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect } from "#harness/tls-client.ts";

const names = ["backend.example", "other.example"] as const;
const securePort = 8443;
const plainPort = 8444;

/** What the endpoint says about the connection of a request. */
interface View {
  /** The number of the connection. */
  readonly connection: number;
  readonly serverName: unknown;
  /** The serial number of the client certificate, in lower case. */
  readonly client: unknown;
}

/** Returns what TLS has told an endpoint. Without TLS, nothing. */
function factsOf(socket: Socket): Omit<View, "connection"> {
  if (!(socket instanceof TLSSocket)) return { serverName: undefined, client: undefined };
  const { servername } = socket as TLSSocket & { readonly servername?: string };
  return {
    serverName: servername,
    client: socket.getPeerCertificate().serialNumber?.toLowerCase(),
  };
}

interface Settings {
  readonly endpointTls?: object;
  readonly listener?: object;
  readonly plain?: object;
  readonly servers?: readonly string[];
}

forEachEngine((engine) => {
  describe("idle connections to an endpoint with TLS", { concurrency: false }, () => {
    const ip = uniqueVirtualIp();
    const [host, elsewhere] = [uniqueVirtualIp(), uniqueVirtualIp()];
    let director: Director;
    let secure: Endpoint;
    let plain: Endpoint;
    let ca: TestCa;

    const documentWith = (settings: Settings = {}): object => {
      const endpointTls = { ca: "ca.pem", serverName: names[0], certificate: "first" };
      const common = { mode: "http", certificates: ["shop"], pool: { idle: "60s" } };
      return shopDocument({
        ip,
        servers: { here: host, there: elsewhere },
        to: 0,
        profile: { servers: settings.servers ?? ["here"] },
        vnic: {
          listeners: [
            {
              ...{ ...common, port: securePort, to: secure.port },
              endpointTls: { ...endpointTls, ...settings.endpointTls },
              ...settings.listener,
            },
            { ...common, port: plainPort, to: plain.port, ...settings.plain },
          ],
        },
        more: {
          certificates: Object.fromEntries(
            ["shop", "first", "second"].map((name) => [
              name,
              { chain: `${name}.pem`, key: `${name}.key` },
            ]),
          ),
          policies: { new: { minVersion: "TLSv1.3" } },
        },
      });
    };
    const serials = new Map<string, string>();
    /** Issues a client certificate, and returns its files. */
    const issue = async (name: string): Promise<FileContents> => {
      const options = { names: [`${name}.example`], usage: "client" } as const;
      const { serial, chainPem, keyPem } = await ca.issue(options);
      serials.set(name, serial);
      return { [`${name}.pem`]: chainPem, [`${name}.key`]: keyPem };
    };

    before(async () => {
      ca = await createTestCa();
      const otherCa = await createTestCa("other CA");
      const issued = await ca.issue({ names });
      const numbers = new WeakMap<object, number>();
      let connections = 0;
      const tls = {
        ...{ key: issued.keyPem, cert: issued.chainPem, ca: ca.certificatePem },
        ...{ requestCert: true, rejectUnauthorized: true },
      };
      const answer = (endpointTls?: typeof tls) =>
        startHttpEndpoint(
          ({ socket }, response) => {
            if (!numbers.has(socket)) numbers.set(socket, (connections += 1));
            const view: View = { connection: numbers.get(socket) ?? 0, ...factsOf(socket) };
            response.end(JSON.stringify(view));
          },
          { host, ...(endpointTls === undefined ? {} : { tls: endpointTls }) },
        );
      secure = await answer(tls);
      plain = await answer();
      const shop = await ca.issue({ names: ["shop.example"] });
      director = await startDirector({
        engine,
        workers: 1,
        document: documentWith(),
        files: {
          ...{ "shop.pem": shop.chainPem, "shop.key": shop.keyPem, "ca.pem": ca.certificatePem },
          "cas.pem": ca.certificatePem + otherCa.certificatePem,
          ...(await issue("first")),
          ...(await issue("second")),
        },
      });
    });

    const ask = async (port: number): Promise<View> => {
      await using client = await tlsConnect({ host: ip, port, rejectUnauthorized: false });
      await client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
      const answer = (await client.read.toEnd()).toString();
      assert.match(answer, /^HTTP\/1\.1 200 /);
      return JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1)) as View;
    };
    const reload = async (settings: Settings): Promise<void> => {
      const { outcome, line } = await director.reload(documentWith(settings));
      assert.notEqual(outcome, "refused", JSON.stringify(line));
    };

    it("are used again, also after a change of something else", async () => {
      const first = await ask(securePort);
      assert.deepEqual([first.serverName, first.client], [names[0], serials.get("first")]);
      assert.deepEqual(await ask(securePort), first);
      await reload({ listener: { hsts: {} } });
      assert.deepEqual(await ask(securePort), first);
    });

    const [, otherName] = names;
    const changes: readonly (readonly [
      what: string,
      settings: Settings,
      seen?: () => Partial<View>,
    ])[] = [
      [
        "the server name",
        { endpointTls: { serverName: otherName } },
        () => ({ serverName: otherName }),
      ],
      ["verification", { endpointTls: { verify: false } }],
      ["the CAs", { endpointTls: { ca: "cas.pem" } }],
      [
        "the client certificate",
        { endpointTls: { certificate: "second" } },
        () => ({ client: serials.get("second") }),
      ],
      ["the policy", { listener: { policy: "new" } }],
    ];
    for (const [what, settings, seen] of changes) {
      it(`are closed by a change of ${what}, and the others stay`, async () => {
        await reload({});
        const [known, other] = [await ask(securePort), await ask(plainPort)];
        await reload(settings);
        await eventually(() => secure.open.size === 0, 5_000, "the close of all");
        const { connection, ...view } = await ask(securePort);
        assert.notEqual(connection, known.connection);
        const { connection: _, ...facts } = known;
        assert.deepEqual(view, { ...facts, ...seen?.() });
        assert.deepEqual(await ask(plainPort), other);
      });
    }

    it("are closed by a new version of the client certificate", async () => {
      await reload({});
      const { connection } = await ask(securePort);
      await writeFiles(director.dir, await issue("first"));
      await eventually(() => secure.open.size === 0, 10_000, "the close of all");
      const view = await ask(securePort);
      assert.equal(view.client, serials.get("first"));
      assert.notEqual(view.connection, connection);
    });

    it("are closed by a change of proxyProtocol, and by a move to another server", async () => {
      await reload({});
      await ask(plainPort);
      assert.equal(plain.open.size, 1);
      await reload({ plain: { proxyProtocol: "v1" } });
      await eventually(() => plain.open.size === 0, 5_000, "the close of all");
      await reload({});
      await ask(plainPort);
      await reload({ servers: ["there"] });
      await eventually(
        () => plain.open.size === 0 && secure.open.size === 0,
        5_000,
        "the close of all",
      );
    });
  });
});
