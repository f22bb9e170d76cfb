import assert from "node:assert/strict";
import { it } from "node:test";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { makeHostileProgram } from "#harness/hostile-program.ts";
import { isEvent } from "#harness/log-capture.ts";
import { startShop } from "#harness/shop.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { untilServing } from "#harness/worker-changes.ts";

// Which engine has no part in it: the order is for the sockets of node:net.
it("a worker that shows nothing to a proof is replaced before the reply, and its connections go on", async () => {
  const endpoint = await startEchoEndpoint();
  const other = await (await createTestCa()).issue({ names: ["shop.example"] });
  const program = await makeHostileProgram();
  const shop = await startShop({
    ...{ engine: "node", workers: 2, program: program.path },
    listeners: { web: { to: endpoint.port } },
    files: { "other.pem": other.chainPem, "other.key": other.keyPem },
  });
  const { director } = shop;
  const client = await shop.connect("web");
  const workers = await untilServing(director, 2);
  const [hostile, sound] = workers;
  assert.ok(hostile !== undefined && sound !== undefined);
  await program.order(hostile.pid, "shows nothing to proofs");

  const { status, body } = await director.api("/v1/document", {
    method: "PATCH",
    payload: JSON.stringify({ certificates: { shop: { chain: "other.pem", key: "other.key" } } }),
    headers: { "if-match": "*", "content-type": "application/merge-patch+json" },
    deadlineMs: 60_000,
  });
  assert.equal(status, 200, JSON.stringify(body));
  const { proof } = body as ChangeReply;
  assert.deepEqual(proof?.replaced, [hostile.id]);
  assert.deepEqual(proof.unproven, []);
  const shown = proof.shown.map(({ worker }) => worker);
  assert.equal(shown.length, 2);
  assert.ok(shown.includes(sound.id) && !shown.includes(hostile.id));
  const line = director.logs.find((candidate) => isEvent(candidate, "certificate-unproven"));
  assert.equal(line?.["worker"], hostile.id);
  assert.match(String(line["reason"]), /as ordered/);
  const metrics = await director.metrics();
  assert.equal(metrics.sum("tlsd_worker_restarts_total", { cause: "unproven" }), 1);

  await client.send(Buffer.from("still here"));
  assert.equal(String(await client.read.bytes(10)), "still here");
});
