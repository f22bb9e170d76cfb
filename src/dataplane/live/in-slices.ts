import { setImmediate as nextTurn } from "node:timers/promises";

/** How long work may hold the event loop before connections are served. */
const SLICE_MS = 4;

/** Work that takes long. It yields after each step, where it may be interrupted. */
export type Steps<Result> = Generator<void, Result, void>;

/** Work that does not take long enough to be interrupted. */
export function* inOneStep<Result>(work: () => Result): Steps<Result> {
  yield;
  return work();
}

/** Does the steps one after the other, with pauses in which connections are served. */
export async function inSlices<Result>(steps: Steps<Result>): Promise<Result> {
  let startedMs = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - startedMs < SLICE_MS) continue;
    // The slices are sequential, because the event loop has to serve others between them.
    // oxlint-disable-next-line no-await-in-loop
    await nextTurn();
    startedMs = performance.now();
  }
}

/** Does the steps one after the other, without a pause. It is for work of which little is done at a time. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
