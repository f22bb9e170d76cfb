import { createInterface } from "node:readline";
import type { FailedReply } from "./messages.ts";

/** Answers each command, a line of JSON on standard input, with a line of JSON on standard output. */
export function serveCommands(execute: (command: never) => Promise<object>): void {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    execute(JSON.parse(line) as never)
      .catch((error: unknown): FailedReply => {
        return { error: error instanceof Error ? error.message : String(error) };
      })
      .then((reply) => process.stdout.write(`${JSON.stringify(reply)}\n`))
      .catch(() => process.exit(1));
  });
  // The bench has ended.
  lines.on("close", () => process.exit());
}
