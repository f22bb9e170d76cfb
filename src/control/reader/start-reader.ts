import { availableParallelism } from "node:os";
import { MaterialReader } from "./material-reader.ts";
import type { EngineBinary } from "../workers/find-engine.ts";
import { buildProverCommand, buildReaderCommand, buildTrialCommand } from "./reader-command.ts";

/** More processes would read ten thousand certificates faster, but each takes 60 MB of memory. */
const MAX_CROWD = 4;
/** Two imports and another job are done at the same time, so that a hostile file delays none of the others. */
const MIN_PROCESSES = 3;

/** Returns a reader whose first process is already starting, because the start takes longer than most jobs. */
export function startReader(options: {
  /** The Node that runs the control process, and the control process's environment. */
  readonly nodeFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly deadlineMs?: number;
  onFault(error: unknown): void;
}): MaterialReader {
  const { nodeFile, env, ...rest } = options;
  const crowdSize = Math.min(MAX_CROWD, availableParallelism());
  const reader = new MaterialReader({
    command: buildReaderCommand({ nodeFile, env }),
    size: Math.max(MIN_PROCESSES, crowdSize),
    crowdSize,
    ...rest,
    onFault: options.onFault.bind(options),
  });
  reader.warmUp();
  return reader;
}

/** A process on the engine of the workers that tries certificates, on its way already like that of a reader. */
export function startEngineTrial(options: {
  readonly engine: EngineBinary;
  readonly env: Readonly<Record<string, string | undefined>>;
  onFault(error: unknown): void;
}): MaterialReader {
  const { engine, env } = options;
  const trial = new MaterialReader({
    command: buildTrialCommand({ engine, env }),
    size: 1,
    onFault: options.onFault.bind(options),
  });
  trial.warmUp();
  return trial;
}

/** A process that connects to workers as a TLS client. It is started when it is needed. */
export const buildProver = (options: {
  readonly nodeFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  onFault(error: unknown): void;
}): MaterialReader =>
  new MaterialReader({
    command: buildProverCommand(options),
    size: 1,
    onFault: options.onFault.bind(options),
  });
