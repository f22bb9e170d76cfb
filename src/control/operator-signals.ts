import type { EventBus } from "./event-bus.ts";

/** The part of `process` that delivers signals. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** What the signals of an operator do. */
export interface SignalActions {
  readonly reload: () => Promise<unknown>;
  readonly replaceWorkers: () => Promise<void>;
}

/** Promises that resolve at the first and the second SIGTERM or SIGINT. The first means drain, the second stop immediately. */
export interface StopSignals {
  readonly first: Promise<void>;
  readonly second: Promise<void>;
}

export function catchStopSignals(source: SignalSource, cleanup: AsyncDisposableStack): StopSignals {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let count = 0;
  const hear = (): void => {
    count += 1;
    (count === 1 ? first : second).resolve();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) catchSignal(source, signal, hear, cleanup);
  return { first: first.promise, second: second.promise };
}

/** Ignores the failure, because an event reports the result of each change. */
const isPublished = (): void => undefined;

/** SIGHUP reads the document again. SIGUSR2 replaces every worker. */
export function catchOperatorSignals(
  source: SignalSource,
  { reload, replaceWorkers }: SignalActions,
  bus: EventBus,
  cleanup: AsyncDisposableStack,
): void {
  const tryReload = (): Promise<void> => reload().then(() => undefined, isPublished);
  const replace = async (): Promise<void> => {
    try {
      await replaceWorkers();
      bus.publish({ name: "workers-replaced" });
    } catch (error) {
      bus.publish({ name: "workers-not-replaced", error });
    }
  };
  catchSignal(source, "SIGHUP", oneAtATime(tryReload), cleanup);
  catchSignal(source, "SIGUSR2", oneAtATime(replace), cleanup);
}

/**
 * Returns a function that runs `work` unless it is running. Calls during a run cause exactly one further run, however many they
 * are: a run that begins after the last signal takes into account everything that the earlier signals announced. `work` never
 * rejects.
 */
function oneAtATime(work: () => Promise<void>): () => void {
  let isRunning = false;
  let isAskedAgain = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    do {
      isAskedAgain = false;
      await work();
    } while (isAskedAgain);
    isRunning = false;
  };
  return () => {
    if (isRunning) isAskedAgain = true;
    else run().catch(isPublished);
  };
}

function catchSignal(
  source: SignalSource,
  signal: NodeJS.Signals,
  listener: () => void,
  cleanup: AsyncDisposableStack,
): void {
  source.on(signal, listener);
  cleanup.defer(() => void source.off(signal, listener));
}
