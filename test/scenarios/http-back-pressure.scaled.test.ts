import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import type { ByteReader, Digest } from "#harness/byte-reader.ts";
import { opensslClient } from "#harness/clients.ts";
import { eventually, withDeadline } from "#harness/deadline.ts";
import { forEachEngine } from "#harness/engines.ts";
import { sendPattern } from "#harness/flow.ts";
import { patternDigest } from "#harness/pattern.ts";
import { memoryOf } from "#harness/process-facts.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { SocketClient } from "#harness/socket-client.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";

/** More than the kernels hold on the way. */
const offeredBytes = scaled({ short: 32, long: 512 }) << 20;
const aheadBytes = 32 << 20;
const maxGrowthBytes = 24 << 20;
const request = (line: string, ...fields: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, "host: a", ...fields].join("\r\n")}\r\n\r\n`;
const lengthField = `content-length: ${offeredBytes}`;
const partBytes = 1 << 20;
/** A flow that has not moved for this time is held back. */
const stuckMs = 400;

forEachEngine((engine) => {
  describe("a peer of mode http that takes nothing", { concurrency: false }, () => {
    let shop: Shop<"web">;
    let endpoint: AcceptingEndpoint;

    before(async () => {
      endpoint = await startAcceptingEndpoint();
      shop = await startShop({
        engine,
        // Each request has a connection of its own, by which it is known.
        listeners: { web: { mode: "http", to: endpoint.endpoint.port, pool: { maxIdle: 0 } } },
      });
    });

    /** Connects a client that sends this, and returns it with its connection to the endpoint, after the head. */
    async function meet(
      text: string,
    ): Promise<readonly [client: SocketClient, server: SocketClient]> {
      const client = await shop.connect("web");
      await client.send(text);
      const server = await endpoint.accept();
      await server.read.until("\r\n\r\n");
      return [client, server];
    }

    /** Nothing moves any more, so only what is held stays. What is garbage is given back some time later. */
    async function untilLittleHeld(pid: number, base: number): Promise<void> {
      const growth = (): number => memoryOf(pid).anonymousBytes - base;
      await eventually(
        () => growth() < maxGrowthBytes,
        10_000,
        () => `growth by ${growth()} bytes`,
      );
    }

    /** Reads the body that is offered, in parts. */
    async function digestOf(read: ByteReader): Promise<Digest> {
      const hash = createHash("sha256");
      for (let at = 0; at < offeredBytes; at += partBytes) {
        hash.update(await read.bytes(partBytes));
      }
      return { bytes: offeredBytes, sha256: hash.digest("hex") };
    }

    it("holds back what the other side offers, in both directions, with memory flat", async () => {
      const pid = await shop.workerPid();
      const base = memoryOf(pid).anonymousBytes;
      const [reader, source] = await meet(request("GET /"));
      await source.send(`HTTP/1.1 200 OK\r\n${lengthField}\r\n\r\n`);
      await reader.read.until("\r\n\r\n");
      const [writer, sink] = await meet(request("POST /", lengthField));
      const flows = [source, writer].map(({ socket }) => sendPattern(socket, offeredBytes));
      await Promise.all(flows.map((flow) => flow.untilStuck()));
      await untilLittleHeld(pid, base);
      // Each gets everything when it reads on.
      const [got, stored] = await Promise.all([digestOf(reader.read), digestOf(sink.read)]);
      assert.deepEqual([got, stored], Array(2).fill(patternDigest(offeredBytes)));
      for (const client of [reader, writer]) client.drop();
    });

    it("holds back requests that a client sends ahead", async () => {
      const pid = await shop.workerPid();
      const base = memoryOf(pid).anonymousBytes;
      const [client, server] = await meet(request("GET /first"));
      const next = request("GET /next", `x: ${"x".repeat(4_000)}`);
      client.socket.write(next.repeat(Math.ceil(aheadBytes / next.length)));
      const untilStuck = async (): Promise<void> => {
        for (let seen = -1; seen !== client.socket.writableLength;) {
          seen = client.socket.writableLength;
          await delay(stuckMs);
        }
      };
      await withDeadline(untilStuck(), 10_000, "a stop");
      assert.ok(client.socket.writableLength > 0, "all requests were taken");
      await untilLittleHeld(pid, base);
      await server.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      const second = await endpoint.accept();
      assert.match(await second.read.until("\r\n\r\n"), /^GET \/next /);
      client.drop();
    });

    for (const [title, answer, end] of [
      ["with a length", "content-length: 9\r\n\r\nbegin", "begin"],
      ["in chunks", "transfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n", "5\r\nbegin\r\n"],
    ] as const) {
      it(`sees no close_notify after an answer ${title} that broke off`, async () => {
        const folder = await makeTempFolder();
        await writeFiles(folder, { "ca.pem": shop.ca.certificatePem });
        const visit = opensslClient(
          [
            ...["-connect", `${shop.ip}:${shop.portOf("web")}`, "-CAfile", join(folder, "ca.pem")],
            ...["-servername", "shop.example"],
          ],
          { input: request("GET /"), until: /unexpected eof/ },
        );
        const server = await endpoint.accept();
        await server.read.until("\r\n\r\n");
        await server.send(`HTTP/1.1 200 OK\r\n${answer}`);
        server.reset();
        const { output } = await visit;
        assert.ok(output.includes(end), output);
        assert.match(output, /unexpected eof/);
      });
    }
  });
});
