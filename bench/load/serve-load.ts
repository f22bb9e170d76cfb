import type { LoadOrder, LoadOutcome, LoadPlan, LoadReply } from "./load-messages.ts";

export interface PreparedLoad {
  /** Does the work of the plan, once. */
  go(): Promise<LoadOutcome>;
  close(): Promise<void>;
}

/** The child's side of a load process: one order at a time, any error is the answer to the order it broke. */
export function serveLoad(prepare: (plan: LoadPlan) => Promise<PreparedLoad>): void {
  let prepared: PreparedLoad | undefined;

  async function replyTo(order: LoadOrder): Promise<LoadReply> {
    switch (order.type) {
      case "prepare":
        prepared = await prepare(order.plan);
        return { type: "prepared" };
      case "go":
        return { type: "done", ...((await prepared?.go()) ?? { operations: 0 }) };
      case "close":
        await prepared?.close();
        prepared = undefined;
        return { type: "closed" };
      default:
        return order satisfies never;
    }
  }

  // What asked for the reply is gone, and so is this process in a moment.
  const isDisconnected = (): void => undefined;
  process.on("message", (order: LoadOrder) => {
    replyTo(order)
      .catch((error: unknown): LoadReply => ({ type: "failed", sentence: sentenceOf(error) }))
      .then((reply) => process.send?.(reply))
      .catch(isDisconnected);
  });
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
