import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { errorCodeOf } from "#model/error-code.ts";
import type { ByteReader } from "#harness/byte-reader.ts";
import { eventually } from "#harness/deadline.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { sendPattern } from "#harness/flow.ts";
import { patternBytes, patternDigest } from "#harness/pattern.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { SocketClient } from "#harness/socket-client.ts";
import type { TlsClient } from "#harness/tls-client.ts";

const idleMs = 3_000;
const halfClosedMs = 1_000;
/** Deadlines are looked at ten times a second. */
const tickMs = 150;
/** More than two sockets of the kernel hold (tcp_rmem allows 33 MB), so that a slow reader holds back the endpoint. */
const largeBytes = 60_000_000;
const slowBytes = 30_000_000;
/** Less than the kernel holds: all of it is there, end included, while the client still reads. */
const queuedBytes = 1_500_000;

forEachEngineIfLong("bun", (engine) => {
  let endpoint: AcceptingEndpoint;
  let shop: Shop<"idle" | "halfClosed">;

  before(async () => {
    endpoint = await startAcceptingEndpoint();
    const to = endpoint.endpoint.port;
    shop = await startShop({
      engine,
      listeners: {
        idle: { to, timeouts: { idle: `${idleMs}ms` } },
        halfClosed: { to, timeouts: { halfClosed: `${halfClosedMs}ms` } },
      },
    });
  });

  const pair = (listener: "idle" | "halfClosed"): Promise<[TlsClient, SocketClient]> =>
    endpoint.meet(() => shop.connect(listener));

  /** Reads `bytes` with pauses that take `ms` in all. */
  const readInParts = async (read: ByteReader, bytes: number, ms: number): Promise<void> => {
    const parts = 30;
    for (let part = 0; part < parts; part += 1) {
      await read.bytes(bytes / parts, 20_000);
      await delay(ms / parts);
    }
  };

  // The tests run at the same time, because they wait most of the time.
  describe("deadlines of a relay", { concurrency: true }, () => {
    it("resets both sides when no byte has come for the idle deadline", async () => {
      const [client, server] = await pair("idle");
      const [atClient, atServer] = await Promise.all([
        client.read.outcome(),
        server.read.outcome(),
      ]);
      assert.deepEqual([atClient, atServer], ["ECONNRESET", "ECONNRESET"]);
      const record = await shop.recordOf(client);
      assert.equal(record.outcome, "idle");
      assert.ok(record.durationMs >= idleMs - tickMs, `${record.durationMs} ms`);
    });

    for (const [from, at] of [
      ["client", 0],
      ["endpoint", 1],
    ] as const) {
      it(`counts the idle deadline from the last byte of the ${from}`, async () => {
        const sides = await pair("idle");
        await delay(idleMs / 3);
        await sides[at].send("x");
        await sides[1 - at]?.read.bytes(1);
        const record = await shop.recordOf(sides[0]);
        assert.equal(record.outcome, "idle");
        assert.ok(record.durationMs >= idleMs / 3 + idleMs - tickMs, `${record.durationMs} ms`);
      });
    }

    it("cuts no client that reads slowly but goes on", async () => {
      const [client, server] = await pair("idle");
      const flow = sendPattern(server.socket, slowBytes);
      const ended = flow.sent.then(() => server.end());
      await readInParts(client.read, slowBytes, 1.5 * idleMs);
      assert.equal(await client.read.outcome(), "end");
      await ended;
      client.end();
      assert.equal((await shop.recordOf(client)).outcome, "completed");
    });

    it("takes no byte of a whole answer back from a client that reads on after the half-closed deadline", async () => {
      const [client, server] = await pair("halfClosed");
      server.socket.end(patternBytes(queuedBytes));
      // The client does not see this, because the answer and its end are on their way.
      assert.equal((await shop.recordOf(client)).outcome, "half-closed-idle");
      assert.deepEqual(await client.read.digestToEnd(), patternDigest(queuedBytes));
    });

    it("waits longer than the half-closed deadline for a client that first has to read what the kernel holds", async () => {
      const [client, server] = await pair("halfClosed");
      const flow = sendPattern(server.socket, largeBytes);
      const ended = flow.sent.then(() => server.end());
      client.end();
      await flow.untilStuck();
      await delay(2 * halfClosedMs);
      assert.deepEqual(await client.read.digestToEnd(), patternDigest(largeBytes));
      await ended;
      assert.equal((await shop.recordOf(client)).outcome, "completed");
    });

    it("resets the client of an endpoint that says nothing for the half-closed deadline after the client's end, and listens to the endpoint no more", async () => {
      const [client, server] = await pair("halfClosed");
      client.end();
      await server.read.toEnd();
      assert.equal(await client.read.outcome(), "ECONNRESET");
      const record = await shop.recordOf(client);
      assert.equal(record.outcome, "half-closed-idle");
      assert.ok(record.durationMs >= halfClosedMs - tickMs, `${record.durationMs} ms`);
      // The endpoint had the whole request, so that its socket is closed and not reset: a write of it meets the reset.
      const refusal = await eventually(() => server.send("x").then(() => undefined, errorCodeOf));
      assert.equal(refusal, "EPIPE");
    });

    it("resets an endpoint whose client says nothing for the half-closed deadline after the answer", async () => {
      const [client, server] = await pair("halfClosed");
      server.end();
      assert.equal((await client.read.toEnd()).length, 0);
      assert.equal(await server.read.outcome(), "ECONNRESET");
      assert.equal((await shop.recordOf(client)).outcome, "half-closed-idle");
    });
  });
});
