import type { Readable, Writable } from "node:stream";
import { encodeFrame, FrameDecoder, type Frame } from "./job-frames.ts";

/** An answer may wait this long for the next ones, so that one call of the kernel sends all of them. */
const COLLECT_MS = 5;

export interface Answer {
  readonly outcome: unknown;
  readonly parts?: readonly Uint8Array[];
}

/**
 * Is the side of a process that does jobs for the control process. It takes jobs from a pipe, does one after the other, and sends the
 * answers together if more jobs are in the pipe already.
 */
export function answerJobs(
  { input, output }: { readonly input: Readable; readonly output: Writable },
  answer: (job: Frame) => Answer | Promise<Answer>,
): void {
  const decoder = new FrameDecoder();
  const jobs: Frame[] = [];
  let answers: Uint8Array[] = [];
  let isBusy = false;

  const send = (): void => {
    if (answers.length > 0) output.write(Buffer.concat(answers));
    answers = [];
  };
  const doJobs = async (): Promise<void> => {
    isBusy = true;
    let sentAtMs = performance.now();
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      answers.push(...(await framesOf(answer, job)));
      if (performance.now() - sentAtMs < COLLECT_MS) continue;
      send();
      sentAtMs = performance.now();
    }
    send();
    isBusy = false;
  };

  input.on("data", (chunk: Buffer) => {
    jobs.push(...decoder.push(chunk));
    // Only a bug makes it reject. The process then ends, and whoever waits for its answers notices.
    if (!isBusy) doJobs().catch((error: Error) => input.destroy(error));
  });
}

async function framesOf(
  answer: Parameters<typeof answerJobs>[1],
  job: Frame,
): Promise<readonly Uint8Array[]> {
  try {
    const { outcome, parts = [] } = await answer(job);
    return encodeFrame(outcome, parts);
  } catch (error) {
    const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return encodeFrame({ fault }, []);
  }
}
