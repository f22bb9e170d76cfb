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

/** Writes JSON lines, or what `prettify` makes of them, to standard output or to `destination`. */
export function buildLogger(options: {
  readonly level: string;
  readonly prettify?: Prettify | undefined;
  readonly destination?: DestinationStream;
}): Logger {
  const destination = options.destination ?? new LogOutput(1, (count) => tellDropped(count));
  const log = pino(
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
    log.warn(
      { event: "log-lines-dropped", count },
      "Log lines were dropped because the log was not read fast enough.",
    );
  };
  return log;
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
