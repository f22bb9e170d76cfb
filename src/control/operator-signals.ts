import type { Director } from "./director.ts";
import type { Logger } from "./telemetry/log.ts";

/** The part of `process` that hears signals. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** Resolve at the first and at the second SIGTERM or SIGINT: drain, then stop at once. */
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

/** The change log writes down what becomes of each change. */
const isInTheLog = (): void => undefined;

/** SIGHUP reads the document again; SIGUSR2 gives every worker a successor. */
export function catchOperatorSignals(
  source: SignalSource,
  director: Director,
  log: Logger,
  cleanup: AsyncDisposableStack,
): void {
  const reload = (): void => {
    director.reload().catch(isInTheLog);
  };
  const replace = (): void => {
    director
      .replaceWorkers()
      .then(() => log.info({ event: "workers-replaced" }, "Every worker has a successor."))
      .catch((error: unknown) => {
        log.error({ event: "workers-not-replaced", err: error }, String(error));
      });
  };
  catchSignal(source, "SIGHUP", reload, cleanup);
  catchSignal(source, "SIGUSR2", replace, cleanup);
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
