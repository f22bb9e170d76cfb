import assert from "node:assert/strict";
import { it } from "node:test";
import type { CertificateProof } from "#model/records/certificate-proof.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { makeHostileProgram } from "#harness/hostile-program.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials } from "#harness/many-clients.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { untilServing } from "#harness/worker-changes.ts";
import { processOf } from "#harness/worker-of.ts";
import type { DeedName } from "../fixtures/hostile-worker.ts";

const changeMs = 60_000;

interface Fault {
  readonly deed: DeedName;
  /** Why the worker is replaced. Not given for a worker that ends by itself. */
  readonly reason?: RegExp;
  /** The worker cannot go on with its connections. */
  readonly isLost?: true;
}

const faults: readonly Fault[] = [
  { deed: "presents its old certificate for ever", reason: /serial/ },
  { deed: "is silent in a proof", reason: /in time/ },
  { deed: "dies when it is asked for a proof", isLost: true },
  { deed: "hangs when it is asked for a proof", reason: /in time/, isLost: true },
  { deed: "opens no socket for a proof", reason: /as ordered/ },
  { deed: "says that it has a socket for a proof and has none", reason: /ECONNREFUSED/ },
];

/** Has the listener present a new certificate. Resolves to its serial and to the proof of the change. */
async function rotate(
  shop: Shop<"web">,
  name: string,
): Promise<{ readonly serial: string; readonly proof: CertificateProof }> {
  const issued = await shop.ca.issue({ names: ["shop.example"] });
  await issued.writeTo(shop.director.dir, name);
  const certificates = { shop: { chain: `${name}.pem`, key: `${name}.key` } };
  const { status, body } = await shop.director.api("/v1/document", {
    method: "PATCH",
    payload: JSON.stringify({ certificates }),
    headers: { "if-match": "*", "content-type": "application/merge-patch+json" },
    deadlineMs: changeMs,
  });
  assert.equal(status, 200, JSON.stringify(body));
  const { proof } = body as ChangeReply;
  assert.ok(proof !== undefined);
  return { serial: issued.serial, proof };
}

function startHostileShop(
  engine: Engine,
  to: number,
  workers: number,
  program: string,
): Promise<Shop<"web">> {
  return startShop({ engine, workers, program, listeners: { web: { to } } });
}

forEachEngineIfLong("node", (engine) => {
  it("a worker that does not show a new certificate is replaced before the reply, and no other one", async () => {
    const { port } = await startHttpEndpoint(servedText);
    const program = await makeHostileProgram();
    const shop = await startHostileShop(engine, port, 3, program.path);
    const { director } = shop;
    for (const [at, { deed, reason, isLost }] of scaled({
      short: faults.slice(0, 2),
      long: faults,
    }).entries()) {
      const before = await untilServing(director, 3);
      const client = await shop.connect("web");
      await ask(client);
      const pid = processOf(
        client,
        before.map((worker) => worker.pid),
      );
      const hostile = before.find((worker) => worker.pid === pid);
      assert.ok(hostile !== undefined);
      await program.order(pid, deed);
      const from = director.logs.length;

      const { serial, proof } = await rotate(shop, `n${at}`);
      const clients = shop.clientOf("web");
      assert.deepEqual(await shownSerials(clients), [serial], deed);
      const sound = before.filter((worker) => worker !== hostile).map(({ id }) => id);
      const shown = new Set(proof.shown.map(({ worker }) => worker));
      assert.deepEqual([proof.unproven, proof.hidden, proof.untried], [[], [], 0], deed);
      assert.ok(new Set(sound).isSubsetOf(shown) && !shown.has(hostile.id), deed);
      assert.deepEqual(proof.replaced, reason === undefined ? [] : [hostile.id], deed);
      const unproven = director.logs
        .slice(from)
        .filter((one) => isEvent(one, "certificate-unproven"));
      assert.deepEqual(
        unproven.map((line) => line["worker"]),
        proof.replaced,
        deed,
      );
      if (reason !== undefined) assert.match(String(unproven[0]?.["reason"]), reason);

      if (isLost !== true) {
        await ask(client);
        client.end();
        await client.read.toEnd();
      }
      const after = await untilServing(director, 3, [pid]);
      // The connections of the other workers are not concerned.
      assert.ok(
        sound.every((id) => after.some((worker) => worker.id === id)),
        deed,
      );
    }
  });

  it("if all workers end in the proof, their successors show the new certificate before the reply", async () => {
    const { port } = await startHttpEndpoint(servedText);
    const program = await makeHostileProgram();
    const shop = await startHostileShop(engine, port, 1, program.path);
    const [worker] = await untilServing(shop.director, 1);
    assert.ok(worker !== undefined);
    await program.order(worker.pid, "dies when it is asked for a proof");
    const { serial, proof } = await rotate(shop, "next");
    assert.deepEqual(
      proof.shown.map((one) => one.serial.toLowerCase()),
      [serial],
    );
    assert.deepEqual(await shownSerials(shop.clientOf("web"), 2), [serial]);
  });
});
