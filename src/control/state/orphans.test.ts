import assert from "node:assert/strict";
import { test } from "node:test";
import { endProcessAtTestEnd, startProcess } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { tryProcessFacts } from "../process-facts.ts";
import { EventBus } from "../event-bus.ts";
import { Orphans } from "./orphans.ts";

test("the status has the workers of an earlier director until they have ended, and when that is at the latest", async () => {
  const worker = await startProcess("/bin/sh", ["-c", "trap : TERM; while :; do sleep 0.1; done"]);
  endProcessAtTestEnd(worker);
  const facts = tryProcessFacts(worker.pid);
  assert.ok(facts !== undefined);
  const orphans = new Orphans({
    ...{ dataPath: await makeTempFolder(), recorded: [facts], trustedUids: [], workers: undefined },
    drainMs: 60_000,
  });
  assert.equal(orphans.status()?.workers, 1);
  await using cleanup = new AsyncDisposableStack();
  const events: string[] = [];
  const bus = new EventBus((error) => assert.fail(String(error)));
  bus.subscribe(({ name }) => events.push(name));
  orphans.dismiss(bus, cleanup);
  assert.deepEqual(events, ["orphans-found"]);
  const until = orphans.status()?.until ?? "";
  const leftMs = Date.parse(until) - Date.now();
  assert.ok(leftMs > 55_000 && leftMs <= 62_000, until);
  worker.child.kill("SIGKILL");
  await worker.exited;
  await eventually(() => orphans.status() === undefined);
});
