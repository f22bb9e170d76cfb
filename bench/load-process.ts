import { fileURLToPath } from "node:url";
import type { ChildProcesses, StartedProcess } from "./child-processes.ts";

/** One script of bench/load in a process of its own, asked over IPC: one order, one reply. */
export class LoadProcess<Order extends object, Reply> {
  readonly #process: StartedProcess;
  readonly #deadlineMs: number;

  constructor(
    children: ChildProcesses,
    script: string,
    place: { readonly cores: string; readonly logPath: string; readonly deadlineMs: number },
  ) {
    this.#deadlineMs = place.deadlineMs;
    this.#process = children.start({
      name: `load/${script}`,
      program: process.execPath,
      args: [fileURLToPath(new URL(`load/${script}.ts`, import.meta.url))],
      cores: place.cores,
      logPath: place.logPath,
      hasChannel: true,
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
