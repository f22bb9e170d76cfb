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
