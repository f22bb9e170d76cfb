import { pino, stdTimeFunctions, type DestinationStream, type Logger } from "pino";
import { escapeControlsInJson } from "#model/escape-controls.ts";
import { LogOutput, type LogWatcher } from "./log-output.ts";

export type { Logger };
export type Prettify = (line: string) => string;

// No code logs these fields. They are removed here in case one does by mistake.
const SECRETS = ["key", "keyPem", "passphrase"].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

export interface Log {
  readonly logger: Logger;
  /** Writes a line in a format of its own between the lines of the logger. It must have no control characters. */
  readonly writeLine: (line: string) => void;
  /** Sets what is told that the log cannot be written. */
  readonly watch: (watcher: LogWatcher) => void;
  /** Returns how many lines were dropped since the start. */
  readonly droppedLines: () => number;
}

/** The logger writes JSON lines, or what `prettify` makes of them, to standard output or to `destination`. */
export function buildLog(options: {
  readonly level: string;
  readonly prettify?: Prettify | undefined;
  readonly destination?: DestinationStream;
}): Log {
  const output = new LogOutput(1, (count, trouble) => tellDropped(count, trouble));
  const destination = options.destination ?? output;
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS, remove: true },
    },
    escapedTo(destination, options.prettify),
  );
  const tellDropped = (count: number, trouble: string | undefined): void => {
    const reason =
      trouble === undefined
        ? "the log was not read fast enough"
        : `the log could not be written: ${trouble}`;
    logger.warn({ event: "log-lines-dropped", count }, `Log lines were dropped because ${reason}.`);
  };
  return {
    logger,
    writeLine: (line) => destination.write(`${line}\n`),
    watch: (watcher) => {
      output.watcher = watcher;
    },
    droppedLines: () => output.droppedLines,
  };
}

/** The parts of a line that come from outside may have characters that control a terminal or hide others. */
const escapedTo = (
  destination: DestinationStream,
  prettify: Prettify = (line) => line,
): DestinationStream => ({
  write: (line) => destination.write(escapeControlsInJson(prettify(line))),
});

/** Returns a function that makes text for a terminal of JSON lines. */
export async function loadPrettify(): Promise<Prettify> {
  const { prettyFactory } = await import("pino-pretty");
  return prettyFactory({ singleLine: true, translateTime: "SYS:HH:MM:ss.l", ignore: "event" });
}
