import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChildProcesses, StartedProcess } from "./child-processes.ts";

/** No run takes longer than this, however slow the machine. */
const runDeadlineMs = 120_000;

const scriptUrls = {
  bulk: new URL("./load/bulk.ts", import.meta.url),
  endpoint: new URL("./load/endpoint.ts", import.meta.url),
  handshakes: new URL("./load/handshakes.ts", import.meta.url),
  idle: new URL("./load/idle.ts", import.meta.url),
  latency: new URL("./load/latency.ts", import.meta.url),
  "open-requests": new URL("./load/open-requests.ts", import.meta.url),
  requests: new URL("./load/requests.ts", import.meta.url),
};
export type LoadScript = keyof typeof scriptUrls;

/** Starts a script of bench/load by its name. */
export type StartProcess = <Order extends object, Reply>(
  script: LoadScript,
) => LoadProcess<Order, Reply>;

export function buildStartProcess(
  children: ChildProcesses,
  cores: string,
  workFolder: string,
): StartProcess {
  return (script) =>
    new LoadProcess(children, script, {
      cores,
      logPath: join(workFolder, `${script}.log`),
      deadlineMs: runDeadlineMs,
    });
}

/** One script of bench/load in a process of its own, asked over IPC: one order, one reply. */
export class LoadProcess<Order extends object, Reply> {
  readonly #process: StartedProcess;
  readonly #deadlineMs: number;

  constructor(
    children: ChildProcesses,
    script: LoadScript,
    place: { readonly cores: string; readonly logPath: string; readonly deadlineMs: number },
  ) {
    this.#deadlineMs = place.deadlineMs;
    this.#process = children.start({
      name: `load/${script}`,
      program: process.execPath,
      args: [fileURLToPath(scriptUrls[script])],
      cores: place.cores,
      logPath: place.logPath,
      channel: "ipc",
    });
  }

  ask(order: Order): Promise<Reply> {
    const { child } = this.#process;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const onExit = () => reject(this.#process.failure("ended in the middle of a run"));
    const deadline = setTimeout(() => {
      reject(this.#process.failure(`did not answer within ${this.#deadlineMs / 1000} s`));
    }, this.#deadlineMs);
    // What comes over IPC is from a script of this folder, of the same version.
    const onMessage = (message: unknown) => resolve(message as Reply);
    child.once("message", onMessage);
    child.once("exit", onExit);
    child.send(order, (error) => error && reject(error));
    return promise.finally(() => {
      clearTimeout(deadline);
      child.off("message", onMessage);
      child.off("exit", onExit);
    });
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
