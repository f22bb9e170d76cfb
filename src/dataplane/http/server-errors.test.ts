import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";

const KEY = "127.0.0.2:1";
const get = requestOf("GET /");

/** Answers requests of one client with these statuses, and returns after which of them the endpoint counts as up. */
async function upAfter(
  statuses: readonly number[],
  countServerErrors: boolean,
  field = "x: y",
): Promise<string> {
  const http = await MemoryHttp.start({ http: { countServerErrors } });
  const client = await http.connect();
  const { clock, healths } = http.memory;
  let up = "";
  for (const status of statuses) {
    // oxlint-disable-next-line no-await-in-loop
    await client.send(get);
    // oxlint-disable-next-line no-await-in-loop
    await http.endpoint().send(answerOf("", field).replace("200", String(status)));
    up += healths.of(KEY).isUp(clock.nowMs()) ? "+" : "-";
  }
  await client.close();
  await http.assertBase();
  return up;
}

describe("an answer with a status of 500 or more", () => {
  it("does not count as a failure of the endpoint unless that is set", async () => {
    assert.equal(await upAfter([500, 502, 503, 999], false), "++++");
  });

  for (const field of ["x: y", "connection: close"]) {
    it(`counts if that is set, and three in a row are too many (${field})`, async () => {
      assert.equal(await upAfter([500, 503, 200, 500, 599], true, field), "+++++");
      assert.equal(await upAfter([404, 500, 503, 500], true, field), "+++-");
    });
  }
});
