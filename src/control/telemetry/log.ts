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
  /**
   * Writes lines of level `info` between those of the logger: objects of JSON, or texts of any format that do not begin with `{`. They must have no
   * control characters besides a line break after each. `bytes` may change when the call has returned. Returns false if the lines were dropped.
   */
  readonly writeLines: (bytes: Buffer, count: number) => boolean;
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
  const { prettify } = options;
  const output = new LogOutput(1, (count, trouble) => tellDropped(count, trouble));
  const destination = options.destination === undefined ? output : outputOver(options.destination);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS, remove: true },
    },
    escapedTo(destination, prettify),
  );
  const tellDropped = (count: number, trouble: string | undefined): void => {
    const reason =
      trouble === undefined
        ? "the log was not read fast enough"
        : `the log could not be written: ${trouble}`;
    logger.warn({ event: "log-lines-dropped", count }, `Log lines were dropped because ${reason}.`);
  };
  const writeLines = (bytes: Buffer, count: number): boolean => {
    if (!logger.isLevelEnabled("info")) return true;
    if (prettify === undefined) return destination.writeLines(bytes, count);
    const text = bytes
      .toString()
      .replaceAll(JSON_LINES, (line) => escapeControlsInJson(prettify(line)));
    return destination.writeLines(Buffer.from(text), count);
  };
  return {
    logger,
    writeLines,
    watch: (watcher) => {
      output.watcher = watcher;
    },
    droppedLines: () => output.droppedLines,
  };
}

const outputOver = (stream: DestinationStream): Pick<LogOutput, "write" | "writeLines"> => ({
  write: (line) => stream.write(line),
  writeLines: (bytes) => {
    stream.write(bytes.toString());
    return true;
  },
});

const JSON_LINES = /^\{.*\n/gm;

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
