/**
 * An engine trial: a process on the engine of the workers that reads certificates and CA bundles from standard input,
 * one at a time, and writes to standard output whether the engine accepts them. It opens no file and no socket, and
 * exits when its standard input ends.
 */
import { errorCodeOf } from "#model/error-code.ts";
import { CIPHER_SUITE_NAMES, GROUP_NAMES } from "#model/tls/cipher-suites.ts";
import { answerJobs } from "#protocol/answer-jobs.ts";
import type { Frame } from "#protocol/job-frames.ts";
import { portableWire } from "../wire/portable/wire.ts";

answerJobs({ input: process.stdin, output: process.stdout }, ({ parts }) => ({
  outcome: { reply: { refusal: tryRefusal(parts) } },
}));
process.stdin.on("end", () => process.exit());

/**
 * Builds the context that a worker would build. Returns the engine's error code, or undefined if it accepts the parts.
 * The parts are chain, key, CA bundle and revocation lists, each empty if absent.
 */
function tryRefusal(parts: Frame["parts"]): string | undefined {
  const [chainPem, keyPem, caPem, crlPem] = parts.map((part) =>
    part.length === 0 ? undefined : part.toString("latin1"),
  );
  try {
    portableWire.buildContext({
      chainPem,
      keyPem,
      caPem,
      crlPem,
      trustsSystem: false,
      partialChain: false,
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      cipherSuites: CIPHER_SUITE_NAMES,
      groups: GROUP_NAMES,
      tickets: true,
      sessionIdContext: undefined,
      ticketKeys: undefined,
    });
    return undefined;
  } catch (error) {
    return errorCodeOf(error) ?? "no reason given";
  }
}
