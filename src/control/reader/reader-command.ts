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
 * The process writes no core file, which would contain private keys. It has no privileges and cannot gain any. It is killed
 * when the control process ends, even while OpenSSL is busy. Each command replaces itself with the next by exec, so that the
 * pid is that of Node.
 */
const SCRIPT = [
  "ulimit -c 0",
  'set -- setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --pdeathsig KILL -- "$@"',
  // An older setpriv does not have all of these options.
  "if setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --pdeathsig KILL -- true 2>/dev/null; then",
  '  exec "$@"',
  "fi",
  "shift 7",
  'exec "$@"',
].join("\n");

/** The process may read files. It may not write any, use the network, start processes, or load native code. */
const NODE_FLAGS = [
  "--permission",
  "--allow-fs-read=*",
  "--disable-sigusr1",
  "--max-old-space-size=512",
  // The optimizing compiler costs a process that lives for seconds more than it saves.
  "--no-opt",
] as const;

/** The process may connect to sockets, and read the files of the program. It may do nothing else of what a reader may not. */
const PROVER_FLAGS = [
  ...["--permission", "--allow-net", "--allow-fs-read=*", "--disable-sigusr1"],
  ...["--max-old-space-size=128", "--no-opt", "--disable-warning=ExperimentalWarning"],
] as const;

/** Paths of the system's CAs. They may be relative to the folder that the director was started in. */
const ALLOWED_ENV = ["SSL_CERT_FILE", "SSL_CERT_DIR"] as const;

interface CommandOptions {
  /** Runtime, flags and entry. */
  readonly command: readonly string[];
  /** The environment of the control process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Returns the command of a process that reads foreign files. `nodeFile` is the Node that runs the control process. */
export function buildReaderCommand(options: {
  readonly nodeFile: string;
  readonly env: CommandOptions["env"];
}): ReaderCommand {
  const { nodeFile, env } = options;
  const cache = readerCacheOf(env);
  // Node does not read compiled code from a folder that it may not write to.
  const flags = cache === undefined ? [] : [`--allow-fs-write=${cache}/*`];
  const command = confined({ command: [nodeFile, ...NODE_FLAGS, ...flags, entryOf("main")], env });
  if (cache === undefined) return command;
  return { ...command, env: { ...command.env, NODE_COMPILE_CACHE: cache } };
}

/**
 * Returns the folder of the reader's compiled code, or undefined if the control process has none. No other process loads code
 * from it, because foreign material may have made a reader write there.
 */
export function readerCacheOf(env: CommandOptions["env"]): string | undefined {
  const folder = env["NODE_COMPILE_CACHE"] ?? "";
  return folder === "" ? undefined : resolve(folder, "reader");
}

/** Returns the command of a process that connects to workers as a TLS client. */
export const buildProverCommand = ({
  nodeFile,
  env,
}: Parameters<typeof buildReaderCommand>[0]): ReaderCommand =>
  confined({ command: [nodeFile, ...PROVER_FLAGS, entryOf("../prover/main")], env });

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
