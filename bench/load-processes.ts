import { fileURLToPath } from "node:url";
import { withDeadline } from "#harness/deadline.ts";
import { BenchFailure } from "./bench-failure.ts";
import type { BenchCase } from "./cases/cases.ts";
import type {
  EndpointCommand,
  FailedReply,
  LoadCommand,
  LoadPlan,
  LoadResult,
} from "./load/messages.ts";
import type { Processes } from "./processes.ts";
import type { RunningProxy } from "./proxies/start-proxy.ts";

const replyDeadlineMs = 120_000;
const maxLoadProcesses = 4;

/** A program of bench/load in a process of its own. It executes one command at a time and replies to each. */
interface CommandProcess<Command> {
  readonly ask: <Reply extends object>(command: Command) => Promise<Reply>;
  readonly stop: () => Promise<void>;
}

async function startProgram<Command>(
  program: "main" | "endpoint",
  processes: Processes,
  cores: string,
): Promise<CommandProcess<Command>> {
  let onReply: (line: string) => void = () => {};
  const started = await processes.start({
    name: `bench/load/${program}.ts`,
    program: process.execPath,
    args: [fileURLToPath(new URL(`./load/${program}.ts`, import.meta.url))],
    cores,
    // Other lines are warnings of the runtime.
    onLine: (line) => line.startsWith("{") && onReply(line),
  });
  const exit = started.untilExit;
  exit.catch(() => {});
  return {
    async ask<Reply extends object>(command: Command) {
      const { promise, resolve } = Promise.withResolvers<string>();
      onReply = resolve;
      started.writeLine(JSON.stringify(command));
      const what = `a reply of ${started.name}`;
      const line = await withDeadline(Promise.race([promise, exit]), replyDeadlineMs, what);
      const reply = JSON.parse(line) as Reply | FailedReply;
      if ("error" in reply) throw new BenchFailure(reply.error);
      return reply;
    },
    stop: () => started.stop(),
  };
}

/** Starts `count` load processes, or fewer if so many would only disturb each other. */
export async function startLoad(processes: Processes, cores: string, count: number): Promise<Load> {
  const starts = Array.from({ length: Math.min(count, maxLoadProcesses) }, () =>
    startProgram<LoadCommand>("main", processes, cores),
  );
  return new Load(await Promise.all(starts));
}

/** One or more load processes that share the work of a plan evenly. */
export class Load {
  readonly #processes: readonly CommandProcess<LoadCommand>[];

  constructor(started: readonly CommandProcess<LoadCommand>[]) {
    this.#processes = started;
  }

  async prepare(
    { load, tls, concurrency, operations, plan }: BenchCase,
    proxy: RunningProxy,
    changes: Partial<LoadPlan> = {},
  ): Promise<void> {
    const target = proxy.targetOf(tls.keyType);
    const whole = { load, target, tls, concurrency, operations, ...plan, ...changes };
    await this.#askAll(proxy, { type: "prepare", plan: shareOf(whole, this.#processes.length) });
  }

  /** Runs the prepared plan. Rejects if not all operations were done. */
  async run(proxy: RunningProxy, operations: number): Promise<LoadResult> {
    const results = await this.#askAll<LoadResult>(proxy, { type: "run" });
    const sumOf = (valueOf: (result: LoadResult) => number) =>
      results.reduce((sum, result) => sum + valueOf(result), 0);
    const total = sumOf((result) => result.operations);
    if (total < operations) {
      throw new BenchFailure(`${proxy.name} completed ${total} of ${operations} operations.`);
    }
    const hasResumed = results[0]?.resumed !== undefined;
    return {
      ...results[0],
      operations: total,
      ...(hasResumed && { resumed: sumOf(({ resumed = 0 }) => resumed) }),
    };
  }

  async close(proxy: RunningProxy): Promise<void> {
    await this.#askAll(proxy, { type: "close" });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.stop()));
  }

  async #askAll<Reply extends object>(proxy: RunningProxy, command: LoadCommand): Promise<Reply[]> {
    try {
      return await Promise.all(this.#processes.map((one) => one.ask<Reply>(command)));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BenchFailure(`A run against ${proxy.name} failed: ${reason}.`, { cause });
    }
  }
}

/** The share of one of `count` processes, rounded up. The result of a run says how much was really done. */
export function shareOf(plan: LoadPlan, count: number): LoadPlan {
  const { connections } = plan;
  return {
    ...plan,
    concurrency: Math.ceil(plan.concurrency / count),
    operations: Math.ceil(plan.operations / count),
    ...(connections !== undefined && { connections: Math.ceil(connections / count) }),
  };
}

/** The process that all proxies connect to, on a port of its own for each proxy. */
export interface Endpoint {
  openPort(): Promise<number>;
  countConnections(port: number): Promise<number>;
}

export async function startEndpoint(processes: Processes, cores: string): Promise<Endpoint> {
  const { ask } = await startProgram<EndpointCommand>("endpoint", processes, cores);
  return {
    openPort: async () => (await ask<{ readonly port: number }>({ type: "listen" })).port,
    countConnections: async (port) =>
      (await ask<{ readonly open: number }>({ type: "count", port })).open,
  };
}
