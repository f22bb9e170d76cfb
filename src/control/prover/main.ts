/**
 * A prover process. It connects to workers as a TLS client and reports which certificates they show. A worker that was taken
 * over may send anything, so this is not done in the control process. It takes jobs from standard input, one at a time, and
 * exits when its standard input ends.
 */
import { encodeFrame, FrameDecoder } from "#protocol/job-frames.ts";
import type { ProofJob } from "../reader/jobs.ts";
import { showCertificate } from "./show-certificate.ts";

const decoder = new FrameDecoder();
let tail = Promise.resolve();

process.stdin.on("data", (chunk: Buffer) => {
  for (const { head } of decoder.push(chunk)) {
    tail = tail
      .then(() => answer(head as ProofJob))
      .then(send, (error: unknown) => send({ fault: String(error) }));
  }
});
process.stdin.on("end", () => process.exit());

const answer = async ({ handshakes }: ProofJob) => ({
  reply: { shown: await Promise.all(handshakes.map(showCertificate)) },
});

function send(outcome: object): void {
  for (const bytes of encodeFrame(outcome, [])) process.stdout.write(bytes);
}
