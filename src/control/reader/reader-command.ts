import { extname, resolve } from "node:path";

/** How a reader process is started. */
export interface ReaderCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The program runs as it is written, and as JavaScript in an installed package. */
const ENTRY = resolve(import.meta.dirname, `main${extname(import.meta.filename)}`);

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
] as const;

/** Paths of the system's CAs and of compiled code. They may be relative to the folder that the director was started in. */
const ALLOWED_ENV = ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_COMPILE_CACHE"] as const;

export function buildReaderCommand(options: {
  /** The Node that runs the control process. */
  readonly nodeFile: string;
  /** Of the control process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}): ReaderCommand {
  const env = ALLOWED_ENV.flatMap((name) => {
    const value = options.env[name];
    return value === undefined || value === "" ? [] : [[name, resolve(value)] as const];
  });
  return {
    file: "/bin/sh",
    args: ["-c", SCRIPT, "sh", options.nodeFile, ...NODE_FLAGS, ENTRY],
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...Object.fromEntries(env) },
  };
}
