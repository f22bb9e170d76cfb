import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { opensslClient } from "#harness/clients.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { captureHello, type TlsConnectOptions } from "#harness/tls-client.ts";

const recordHeaderBytes = 5;
const greeting = "greetings from the shop\n";

/** The message of a ClientHello in records of at most `size` bytes; its own header is cut like the rest of it. */
function* recordsOf(hello: Buffer, size: number): Iterable<Buffer> {
  for (let at = recordHeaderBytes; at < hello.length; at += size) {
    const payload = hello.subarray(at, at + size);
    const header = Buffer.from(hello.subarray(0, recordHeaderBytes));
    header.writeUInt16BE(payload.length, 3);
    yield Buffer.concat([header, payload]);
  }
}

/** Where the length of the cipher suites stands in a ClientHello, or the suite in a ServerHello: behind the session id. */
function afterSessionId(record: Buffer): number {
  const sessionIdAt = recordHeaderBytes + 4 + 2 + 32;
  return sessionIdAt + 1 + record.readUInt8(sessionIdAt);
}

/** The same hello with compression method 1, DEFLATE (RFC 3749), ahead of null. */
function withDeflate(hello: Buffer): Buffer {
  const suitesAt = afterSessionId(hello);
  const methodsAt = suitesAt + 2 + hello.readUInt16BE(suitesAt);
  const methods = Uint8Array.of(2, 1);
  const rest = hello.subarray(methodsAt + 1);
  const longer = Buffer.concat([hello.subarray(0, methodsAt), methods, rest]);
  longer.writeUInt16BE(hello.readUInt16BE(3) + 1, 3);
  longer.writeUIntBE(hello.readUIntBE(6, 3) + 1, 6, 3);
  return longer;
}

forEachEngine((engine) => {
  let shop: Shop<"front">;

  before(async () => {
    const { port } = await startHttpEndpoint(greeting);
    shop = await startShop({ engine, listeners: { front: { to: port } } });
  });

  async function assertServed(options: TlsConnectOptions): Promise<void> {
    await using client = await shop.connect("front", options);
    await client.send("GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
    assert.match((await client.read.toEnd()).toString(), /greetings from the shop/);
    assert.equal(client.facts.protocol, options.maxVersion);
  }

  for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
    describe(`a ClientHello of ${maxVersion}`, { concurrency: true }, () => {
      it("is served when it comes byte by byte", async () => {
        const cutHello = (hello: Buffer): Iterable<Uint8Array> =>
          hello.values().map((byte) => Uint8Array.of(byte));
        await assertServed({ maxVersion, cutHello });
      });

      for (const size of [1, 3, 4, 100]) {
        it(`is served in records of ${size} bytes, each in a packet of its own`, async () => {
          await assertServed({ maxVersion, cutHello: (hello) => recordsOf(hello, size) });
        });
      }

      it("is served in records of 7 bytes that come at once", async () => {
        const cutHello = (hello: Buffer): Iterable<Uint8Array> => [
          Buffer.concat([...recordsOf(hello, 7)]),
        ];
        await assertServed({ maxVersion, cutHello });
      });
    });
  }

  it("a client that asks to renegotiate is refused", async () => {
    const target = ["-connect", `${shop.ip}:${shop.portOf("front")}`, "-tls1_2"];
    // A line that is R alone makes s_client renegotiate.
    const run = await opensslClient([...target, "-servername", "shop.example"], {
      input: "R\n",
      until: /no renegotiation|handshake failure|verify return:1[\s\S]*verify return:1/,
    });
    assert.ok(run.isConnected, run.output);
    assert.match(run.output, /^RENEGOTIATING$/m);
    assert.match(run.output, /no renegotiation/);
  });

  it("a client that offers compression gets none", async () => {
    const hello = await captureHello({ maxVersion: "TLSv1.2", servername: "shop.example" });
    await using client = await rawConnect({ host: shop.ip, port: shop.portOf("front") });
    await client.send(withDeflate(hello));
    const header = await client.read.bytes(recordHeaderBytes);
    assert.equal(header[0], 22);
    const serverHello = Buffer.concat([header, await client.read.bytes(header.readUInt16BE(3))]);
    assert.equal(serverHello[recordHeaderBytes], 2);
    assert.equal(serverHello[afterSessionId(serverHello) + 2], 0);
  });
});
