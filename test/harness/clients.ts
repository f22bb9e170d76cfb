import { runToExit, startProcess, untilPrinted, type ProcessResult } from "./child-process.ts";
import { withDeadline } from "./deadline.ts";

export interface ClientRun extends ProcessResult {
  /** stdout and stderr. */
  readonly output: string;
}

export interface InteractiveOptions {
  readonly input?: string;
  /**
   * Keeps the connection open until the output matches; without it the client ends its side after the input. Of what
   * openssl prints after the handshake only application data shows at once: wait for an answer, not for a ticket.
   */
  readonly until?: RegExp;
  readonly deadlineMs?: number;
}

export interface OpensslResult extends ClientRun {
  readonly isConnected: boolean;
  readonly protocol: string | undefined;
  readonly cipher: string | undefined;
  /** The name that s_client prints, e.g. `X25519` or `ECDH, prime256v1`. */
  readonly group: string | undefined;
  readonly alpn: string | undefined;
  /** X509_V_ code: 0 is ok. Undefined without a handshake. */
  readonly verifyCode: number | undefined;
  readonly isResumed: boolean;
  /** Number of the TLS alert that ended it (RFC 8446 section 6). */
  readonly alert: number | undefined;
}

/** `openssl s_client`, e.g. `opensslClient(["-connect", "127.1.2.3:8443", "-servername", "shop.example", "-CAfile", ca])`. */
export async function opensslClient(
  args: readonly string[],
  options: InteractiveOptions = {},
): Promise<OpensslResult> {
  const run = await runInteractive("openssl", ["s_client", ...args], options);
  const first = (pattern: RegExp): string | undefined => pattern.exec(run.output)?.[1];
  const numeric = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Number(text);
  const cipher = first(/^(?:New|Reused), .*Cipher is (\S+)/m);
  const isConnected = cipher !== undefined && cipher !== "(NONE)";
  return {
    ...run,
    isConnected,
    protocol: isConnected
      ? (first(/^ +Protocol +: (\S+)/m) ?? first(/^(?:New|Reused), (\S+),/m))
      : undefined,
    cipher: isConnected ? cipher : undefined,
    group:
      first(/^Negotiated TLS1\.3 group: (\S+)/m) ??
      first(/^(?:Server|Peer) Temp Key: (.+), \d+ bits/m),
    alpn: first(/^ALPN protocol: (\S+)/m),
    verifyCode: isConnected ? numeric(first(/^ *Verify return code: (\d+)/m)) : undefined,
    isResumed: /^Reused, /m.test(run.output),
    alert: numeric(first(/SSL alert number (\d+)/)),
  };
}

export interface GnutlsResult extends ClientRun {
  readonly isConnected: boolean;
  /** E.g. `(TLS1.3)-(ECDHE-X25519)-(ECDSA-SECP256R1-SHA256)-(AES-256-GCM)`. */
  readonly description: string | undefined;
  readonly isTrusted: boolean;
  readonly isResumed: boolean;
  /** E.g. `Handshake failed`. */
  readonly alert: string | undefined;
}

/** `gnutls-cli`, e.g. `gnutlsClient(["127.1.2.3", "-p", "8443", "--x509cafile", ca, "--verify-hostname", "shop.example"])`. */
export async function gnutlsClient(
  args: readonly string[],
  options: InteractiveOptions = {},
): Promise<GnutlsResult> {
  const run = await runInteractive("gnutls-cli", args, options);
  const first = (pattern: RegExp): string | undefined => pattern.exec(run.output)?.[1];
  return {
    ...run,
    isConnected: run.output.includes("- Handshake was completed"),
    description: first(/^- Description: (.+)$/m),
    isTrusted: run.output.includes("The certificate is trusted."),
    isResumed: run.output.includes("This is a resumed session"),
    alert: first(/Received alert \[\d+\]: (.+)$/m),
  };
}

/** `curl -sS`, which ends within the deadline (10 s). Its `-w` and `--resolve` do the rest. */
export async function curl(args: readonly string[], deadlineMs = 10_000): Promise<ClientRun> {
  const seconds = String(deadlineMs / 1000);
  const result = await runToExit("curl", ["-sS", "-q", "--max-time", seconds, ...args], {
    deadlineMs: deadlineMs + 2_000,
  });
  return { ...result, output: result.stdout + result.stderr };
}

async function runInteractive(
  command: string,
  args: readonly string[],
  options: InteractiveOptions,
): Promise<ClientRun> {
  const { input, until, deadlineMs = 10_000 } = options;
  const running = await startProcess(command, args);
  try {
    if (input !== undefined) running.child.stdin?.write(input);
    if (until !== undefined) {
      await untilPrinted(running, until, deadlineMs, { orEnd: true });
    }
    running.child.stdin?.end();
    const result = await withDeadline(
      running.exited,
      deadlineMs,
      () => `the end of ${command}, which printed:\n${running.output()}\n`,
    );
    return { ...result, output: result.stdout + result.stderr };
  } finally {
    if (!running.hasExited()) running.child.kill("SIGKILL");
  }
}
