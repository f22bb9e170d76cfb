/**
 * A prover process. It connects to workers as a TLS client and reports which certificates they show. A worker that was taken
 * over may send anything, so this is not done in the control process. It takes jobs from standard input, one at a time, and
 * exits when its standard input ends.
 */
import { answerJobs } from "#protocol/answer-jobs.ts";
import type { ProofJob } from "../reader/jobs.ts";
import { showCertificate } from "./show-certificate.ts";

answerJobs({ input: process.stdin, output: process.stdout }, async ({ head }) => {
  const { handshakes } = head as ProofJob;
  return { outcome: { reply: { shown: await Promise.all(handshakes.map(showCertificate)) } } };
});
process.stdin.on("end", () => process.exit());
