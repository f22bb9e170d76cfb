import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";

const get = requestOf("GET /");
/** Its first request of a connection goes over no idle connection. */
const post = requestOf("POST /", "content-length: 0");

describe("connections to endpoints", () => {
  for (const [most, isClosed] of [
    [3, false],
    [2, true],
  ] as const) {
    it(`are ${most} at most, idle ones included: the oldest ${isClosed ? "makes room" : "stays"} for a third`, async () => {
      const http = await MemoryHttp.start();
      const clients = [await http.send(get), await http.send(get)];
      for (const peer of http.endpoints) {
        // oxlint-disable-next-line no-await-in-loop
        await peer.send(answerOf(""));
      }
      for (const client of clients) {
        // oxlint-disable-next-line no-await-in-loop
        await client.close();
      }
      http.memory.plane.maxConnections = most;
      const third = await http.send(post);
      assert.deepEqual(
        http.endpoints.map(({ hasEnded }) => hasEnded),
        [isClosed, false, false],
      );
      await http.endpoint().send(answerOf(""));
      await third.close();
      await http.assertBase();
    });
  }

  it("are those of one client connection if the listener says never", async () => {
    const pool = { reuse: "never", idleMs: 4_000, maxIdle: 8 } as const;
    const http = await MemoryHttp.start({ http: { pool } });
    const first = await http.send(get);
    await http.endpoint().send(answerOf("1"));
    const second = await http.send(get);
    assert.equal(http.endpoints.length, 2);
    await http.endpoint().send(answerOf("2"));
    await first.send(post);
    assert.equal(http.endpoints.length, 2);
    assert.equal(http.endpoint(0).received, get + post);
    await http.endpoint(0).send(answerOf("3"));
    await first.close();
    assert.ok(http.endpoint(0).hasEnded && !http.endpoint(1).hasEnded);
    await second.close();
    await http.assertBase();
  });
});
