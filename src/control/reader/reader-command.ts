import { extname, resolve } from "node:path";
import type { EngineBinary } from "../workers/find-engine.ts";

/** How a process is started that does jobs for the control process. */
export interface ReaderCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The program runs as it is written, and as JavaScript in an installed package. */
const entryOf = (path: string): string =>
  resolve(import.meta.dirname, `${path}${extname(import.meta.filename)}`);

/**
 * No core file, as it would hold private keys; no privileges and none to gain; and no life after the control process,
 * which may end while OpenSSL is busy. Each makes way for the next by exec, so the pid is that of Node.
 */
const SCRIPT = [
  "ulimit -c 0",
  'set -- setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --pdeathsig KILL -- "$@"',
  // Not every setpriv knows every option.
  "if setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --pdeathsig KILL -- true 2>/dev/null; then",
  '  exec "$@"',
  "fi",
  "shift 7",
  'exec "$@"',
].join("\n");

/** It gets bytes and gives bytes: no files to write, no network, no processes, no packages with machine code. */
const NODE_FLAGS = [
  "--permission",
  "--allow-fs-read=*",
  "--disable-sigusr1",
  "--max-old-space-size=512",
] as const;

/** Paths, which may be relative to the folder that the director was started in: the system's CAs, and compiled code. */
const ALLOWED_ENV = ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_COMPILE_CACHE"] as const;

interface CommandOptions {
  /** Runtime, flags and entry. */
  readonly command: readonly string[];
  /** The environment of the control process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Returns the command of a process that reads foreign files. `nodeFile` is the Node that runs the control process. */
export const buildReaderCommand = (options: {
  readonly nodeFile: string;
  readonly env: CommandOptions["env"];
}): ReaderCommand =>
  confined({ command: [options.nodeFile, ...NODE_FLAGS, entryOf("main")], env: options.env });

/** Returns the command of a process that tries certificates on the engine of the workers. */
export const buildTrialCommand = (options: {
  readonly engine: EngineBinary;
  readonly env: CommandOptions["env"];
}): ReaderCommand => {
  const { file, flags } = options.engine;
  const entry = entryOf("../../dataplane/engine-trial/main");
  const { env, ...command } = confined({ command: [file, ...flags, entry], env: options.env });
  // Turns off Bun's cache of compiled files, which would be in the home folder.
  return { ...command, env: { ...env, BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } };
};

function confined({ command, env }: CommandOptions): ReaderCommand {
  const allowed = ALLOWED_ENV.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === "" ? [] : [[name, resolve(value)] as const];
  });
  return {
    file: "/bin/sh",
    args: ["-c", SCRIPT, "sh", ...command],
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...Object.fromEntries(allowed) },
  };
}
