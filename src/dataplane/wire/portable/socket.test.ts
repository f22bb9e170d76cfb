import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, describe, it } from "node:test";
import { PortableSocket } from "./socket.ts";
import { HIGH_WATER_MARK_BYTES } from "../wire.ts";

/** More than the kernel buffers for a loopback connection. */
const MANY_BYTES = 64 * 1024 * 1024;

describe("PortableSocket", () => {
  const server = net.createServer();
  after(() => void server.close());

  it("sends a lent chunk unchanged, even if it is sent much later", async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
    const [[peer]] = (await Promise.all([
      once(server, "connection"),
      once(socket, "connect"),
    ])) as unknown as [[net.Socket], unknown];
    const wireSocket = new PortableSocket(socket);
    const chunk = Buffer.alloc(HIGH_WATER_MARK_BYTES);
    let bytes = 0;
    let marks = 0;
    for (; bytes < MANY_BYTES && wireSocket.queuedBytes < 4 * chunk.length; marks += 1) {
      chunk.fill(marks % 251);
      wireSocket.write(chunk, true);
      bytes += chunk.length;
    }
    assert.ok(bytes < MANY_BYTES, "the kernel took all at once");
    chunk.fill(255);
    wireSocket.end();
    let at = 0;
    for await (const part of peer as AsyncIterable<Buffer>) {
      for (const byte of part) {
        if (byte !== Math.floor(at / chunk.length) % 251) assert.fail(`byte ${at} is ${byte}`);
        at += 1;
      }
    }
    assert.equal(at, bytes);
  });
});
