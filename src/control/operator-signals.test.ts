import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { EventBus } from "./event-bus.ts";
import { catchOperatorSignals, type SignalActions } from "./operator-signals.ts";

for (const [signal, method] of [
  ["SIGHUP", "reload"],
  ["SIGUSR2", "replaceWorkers"],
] as const) {
  test(`many ${signal} during a run cause exactly one further run`, async () => {
    const source = new EventEmitter();
    const running: PromiseWithResolvers<void>[] = [];
    const actions = {
      reload: () => Promise.resolve(),
      replaceWorkers: () => Promise.resolve(),
      [method]: () => {
        const run = Promise.withResolvers<void>();
        running.push(run);
        return run.promise;
      },
    } satisfies SignalActions;
    await using cleanup = new AsyncDisposableStack();
    catchOperatorSignals(source, actions, new EventBus(() => undefined), cleanup);
    for (let count = 0; count < 300; count += 1) source.emit(signal);
    assert.equal(running.length, 1);
    // A failed run does not prevent the next one.
    running[0]?.reject(new Error("refused"));
    await nextTurn();
    assert.equal(running.length, 2);
    running[1]?.resolve();
    await nextTurn();
    assert.equal(running.length, 2);
    source.emit(signal);
    assert.equal(running.length, 3);
  });
}
