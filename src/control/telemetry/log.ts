import { pino, stdTimeFunctions, type DestinationStream, type Logger } from "pino";
import { escapeControlsInJson } from "#model/escape-controls.ts";
import { LogOutput } from "./log-output.ts";

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
}

/** The logger writes JSON lines, or what `prettify` makes of them, to standard output or to `destination`. */
export function buildLog(options: {
  readonly level: string;
  readonly prettify?: Prettify | undefined;
  readonly destination?: DestinationStream;
}): Log {
  const destination = options.destination ?? new LogOutput(1, (count) => tellDropped(count));
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
  const tellDropped = (count: number): void => {
    logger.warn(
      { event: "log-lines-dropped", count },
      "Log lines were dropped because the log was not read fast enough.",
    );
  };
  return { logger, writeLine: (line) => destination.write(`${line}\n`) };
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
