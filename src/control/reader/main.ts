/**
 * A reader process. It takes jobs from standard input, one at a time, and writes the outcome of each to standard output. It
 * opens no file, and exits when its standard input ends.
 */
import { encodeFrame, FrameDecoder, type Frame } from "#protocol/job-frames.ts";
import type { Outcome, ReaderJob } from "./jobs.ts";
import { work, type Answer } from "./work.ts";

const decoder = new FrameDecoder();
let tail = Promise.resolve();

process.stdin.on("data", (chunk: Buffer) => {
  for (const frame of decoder.push(chunk)) {
    tail = tail.then(() => answer(frame)).then(send, (error: unknown) => send(faultOf(error)));
  }
});
process.stdin.on("end", () => process.exit());

const answer = ({ head, parts }: Frame): Promise<Answer> => work(head as ReaderJob, parts);

function send({ outcome, parts = [] }: Answer): void {
  // One call of the kernel for all chunks wakes the control process once.
  process.stdout.cork();
  for (const chunk of framesOf(outcome, parts)) process.stdout.write(chunk);
  process.stdout.uncork();
}

function framesOf(outcome: Outcome, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  try {
    return encodeFrame(outcome, parts);
  } catch (error) {
    return encodeFrame(faultOf(error).outcome, []);
  }
}

function faultOf(error: unknown): Answer {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { outcome: { fault: text } };
}
