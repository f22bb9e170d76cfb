/**
 * A reader process. It takes jobs from standard input, one at a time, and writes the outcome of each to standard output. It
 * opens no file, and exits when its standard input ends.
 */
import { answerJobs } from "#protocol/answer-jobs.ts";
import type { ReaderJob } from "./jobs.ts";
import { work } from "./work.ts";

answerJobs({ input: process.stdin, output: process.stdout }, ({ head, parts }) =>
  work(head as ReaderJob, parts),
);
process.stdin.on("end", () => process.exit());
