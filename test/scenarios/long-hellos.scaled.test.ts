import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { messageOfLength, recordsOf } from "#dataplane/tls/client-hello-bytes.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { opensslClient } from "#harness/clients.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { failedHandshakeWhere, FailureLedger } from "#harness/failed-handshakes.ts";
import { connectionLineOf, servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient } from "#harness/tls-client.ts";

type Listener = "open" | "request";

/** What Bun takes where it asks no certificate of the client. */
const bunLimitBytes = 16_388;
/** An extension block is no longer than 65,535 bytes; a hello of this length has one that is nearly full. */
const longBytes = 65_600;
const tooLongBytes = 70_000;
const largeAnswerBytes = 100_000;

/** Fatal illegal_parameter, RFC 8446 section 6.2. */
const illegalParameter = "1503010002022f";
const serverHello = /^1603/;

forEachEngineIfLong("bun", (engine) => {
  let ca: TestCa;
  let shop: Shop<Listener>;
  let ledger: FailureLedger;

  before(async () => {
    ca = await createTestCa("client CA");
    const endpoint = await startHttpEndpoint((request, response) => {
      response.end(request.url === "/large" ? Buffer.alloc(largeAnswerBytes, "x") : servedText);
    });
    const to = endpoint.port;
    shop = await startShop({
      engine,
      listeners: { open: { to }, request: { to, policy: "request" } },
      servers: { web: endpoint.host },
      more: { policies: { request: { clientAuth: { mode: "request", ca: "ca.pem" } } } },
      files: { "ca.pem": ca.certificatePem },
    });
    ledger = new FailureLedger(shop.director);
  });

  const connect = (listener: Listener, localAddress: string): Promise<SocketClient> =>
    rawConnect({ host: shop.ip, port: shop.portOf(listener), localAddress });

  /** The start of the answer, in hex. */
  async function answerTo(
    listener: Listener,
    hello: Buffer,
    localAddress: string,
  ): Promise<string> {
    await using client = await connect(listener, localAddress);
    await client.send(hello);
    return (await client.read.bytes(7)).toString("hex");
  }

  describe("a ClientHello", { concurrency: true }, () => {
    it("of 64 KB is answered, on Bun where client authentication is on", async () => {
      const hello = recordsOf(messageOfLength(longBytes));
      assert.match(await answerTo("request", hello, uniqueVirtualIp()), serverHello);
      const clientAddress = uniqueVirtualIp();
      const answer = await answerTo("open", hello, clientAddress);
      if (engine === "node") {
        assert.match(answer, serverHello);
        return;
      }
      assert.equal(answer, illegalParameter);
      await ledger.expect({ clientAddress }, "too-large");
    });

    it("of the longest that Bun takes without it is answered everywhere", async () => {
      const hello = recordsOf(messageOfLength(bunLimitBytes));
      assert.match(await answerTo("open", hello, uniqueVirtualIp()), serverHello);
    });

    it("over 66 KB is too-large, as soon as its length is known", async () => {
      const hello = recordsOf(messageOfLength(tooLongBytes));
      for (const listener of ["open", "request"] as const) {
        const clientAddress = uniqueVirtualIp();
        const answer = await answerTo(listener, hello.subarray(0, 9), clientAddress);
        assert.equal(answer, illegalParameter);
        await ledger.expect({ clientAddress }, "too-large");
      }
    });

    it("of 64 KB in records of ten bytes, and in small packets, is answered", async () => {
      await using client = await connect("request", uniqueVirtualIp());
      const hello = recordsOf(messageOfLength(longBytes), 10);
      for (let at = 0; at < hello.length; at += 100)
        await client.send(hello.subarray(at, at + 100));
      assert.match((await client.read.bytes(7)).toString("hex"), serverHello);
    });

    it("of a client that offers 70 application protocols, or 14 KB of them, is served", async () => {
      for (const [count, length] of [
        [70, 10],
        [60, 240],
      ] as const) {
        const names = Array.from({ length: count }, (_, at) => String(at).padStart(length, "p"));
        await using client = await shop.connect("open", { ALPNProtocols: names });
        await assertServed(client);
      }
    });
  });

  it("what all half-open handshakes hold is bounded, and the oldest make way", async () => {
    const clientAddress = uniqueVirtualIp();
    // Each ClientHello has 60,000 bytes. The number is far more than fits into 64 MiB.
    const most = recordsOf(messageOfLength(longBytes)).subarray(0, 60_000);
    const clients = await Promise.all(
      Array.from({ length: 1_150 }, () => connect("request", clientAddress)),
    );
    for (const client of clients) await client.send(most);
    const [first] = clients;
    assert.equal(await first?.read.outcome(), "ECONNRESET");
    const record = await failedHandshakeWhere(
      shop.director,
      (one) => one.limit === "handshake-memory",
    );
    assert.deepEqual([record.failure, record.clientAddress], ["over-limit", clientAddress]);
    const honest = await shop.connect("request");
    await assertServed(honest);
    assert.equal(clients.at(-1)?.socket.readyState, "open");
    for (const client of [honest, ...clients]) await client[Symbol.asyncDispose]();
    await shop.untilNoneOpen();
  });

  /** A leaf of about so many thousand bytes. */
  const issue = (thousands: number): Promise<IssuedCertificate> => {
    const names = Array.from({ length: Math.round((thousands * 1_000 - 500) / 35) }, (_, index) =>
      `host-${index}`.padEnd(25, "x").concat(".example"),
    );
    return ca.issue({ names: ["client.example", ...names], usage: "client" });
  };

  async function ask(client: TlsClient, path = "/"): Promise<void> {
    await client.send(`GET ${path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n`);
  }

  async function assertServed(client: TlsClient): Promise<void> {
    await ask(client);
    await client.read.until(servedText);
  }

  describe("a client with a long certificate", () => {
    for (const version of ["tls1_2", "tls1_3"]) {
      it(`of 16 KB resumes with the ticket that holds it (${version})`, async () => {
        const folder = await makeTempFolder();
        const issued = await issue(16);
        await writeFiles(folder, { "c.pem": issued.certificatePem, "c.key": issued.keyPem });
        const pathOf = (name: string): string => join(folder, name);
        const visit = (session: string) =>
          opensslClient(
            [
              ...[
                "-connect",
                `${shop.ip}:${shop.portOf("request")}`,
                "-servername",
                "shop.example",
              ],
              ...[`-${version}`, "-cert", pathOf("c.pem"), "-key", pathOf("c.key")],
              ...[session, pathOf("session.pem")],
            ],
            {
              input: "GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n",
              until: /served by the endpoint/,
            },
          );
        assert.equal((await visit("-sess_out")).isResumed, false);
        const again = await visit("-sess_in");
        assert.ok(again.isResumed, again.output.slice(-2_000));
        assert.match(again.output, /served by the endpoint/);
      });
    }

    const connectWith = async (
      thousands: number,
      maxVersion: "TLSv1.2" | "TLSv1.3",
    ): Promise<{ client: TlsClient; clientAddress: string }> => {
      const issued = await issue(thousands);
      const clientAddress = uniqueVirtualIp();
      const pair = { cert: issued.certificatePem, key: issued.keyPem };
      const options = { ...pair, minVersion: maxVersion, maxVersion, localAddress: clientAddress };
      return { client: await shop.connect("request", options), clientAddress };
    };

    it("of 31 KB is answered in full, on both versions", async () => {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const { client, clientAddress } = await connectWith(31, version);
        await ask(client, "/large");
        assert.ok((await client.read.toEnd()).length > largeAnswerBytes, version);
        client.end();
        const line = await connectionLineOf(shop.director, clientAddress);
        assert.equal(line["outcome"], "completed");
      }
    });

    it("of 34 KB is answered in full, but for TLS 1.3 on Bun, where it is too-large", async () => {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const { client, clientAddress } = await connectWith(34, version);
        if (engine === "bun" && version === "TLSv1.3") {
          assert.equal(await client.read.outcome(), "end");
          await ledger.expect({ clientAddress }, "too-large");
          continue;
        }
        await ask(client, "/large");
        assert.ok((await client.read.toEnd()).length > largeAnswerBytes, version);
      }
    });

    it("over 100 KB is too-large on both engines", async () => {
      const issued = await issue(105);
      const clientAddress = uniqueVirtualIp();
      const target = { host: shop.ip, port: shop.portOf("request"), localAddress: clientAddress };
      const pair = { cert: issued.certificatePem, key: issued.keyPem };
      const trust = { ca: shop.ca.certificatePem, servername: "shop.example" };
      const refused = tlsConnect({ ...target, ...trust, ...pair, maxVersion: "TLSv1.2" });
      await assert.rejects(refused);
      await ledger.expect({ clientAddress }, "too-large");
    });
  });
});
