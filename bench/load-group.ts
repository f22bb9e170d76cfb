import type { LoadOrder, LoadPlan, LoadReply } from "./load/load-messages.ts";
import type { LoadProcess } from "./load-process.ts";

type Outcome = Extract<LoadReply, { readonly type: "done" }>;

/** Several processes that share a load evenly and are asked as if they were one. */
export class LoadGroup {
  readonly #processes: readonly LoadProcess<LoadOrder, LoadReply>[];

  constructor(processes: readonly LoadProcess<LoadOrder, LoadReply>[]) {
    this.#processes = processes;
  }

  async ask(order: LoadOrder): Promise<LoadReply> {
    const replies = await Promise.all(
      this.#processes.map((process) => process.ask(this.#shareOf(order))),
    );
    const failed = replies.find(({ type }) => type === "failed");
    const outcomes = replies.filter((reply) => reply.type === "done");
    return failed ?? tryTotalOf(outcomes) ?? replies[0] ?? { type: "failed", sentence: "no load" };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }

  #shareOf(order: LoadOrder): LoadOrder {
    return order.type === "prepare"
      ? { ...order, plan: planShareOf(order.plan, this.#processes.length) }
      : order;
  }
}

/** What does not divide is rounded up, as operations are counted and not supposed. */
export function planShareOf(plan: LoadPlan, count: number): LoadPlan {
  const { connections } = plan;
  return {
    ...plan,
    concurrency: Math.ceil(plan.concurrency / count),
    operations: Math.ceil(plan.operations / count),
    ...(connections !== undefined && { connections: Math.ceil(connections / count) }),
  };
}

function tryTotalOf(outcomes: readonly Outcome[]): Outcome | undefined {
  const [first] = outcomes;
  if (first === undefined) {
    return undefined;
  }
  const sumOf = (amountOf: (outcome: Outcome) => number) =>
    outcomes.reduce((sum, outcome) => sum + amountOf(outcome), 0);
  return {
    ...first,
    operations: sumOf(({ operations }) => operations),
    ...(first.resumed !== undefined && { resumed: sumOf(({ resumed }) => resumed ?? 0) }),
  };
}
