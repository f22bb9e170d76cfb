import type { BenchCase } from "../cases/cases.ts";
import { referenceProxy } from "../report/result.ts";
import type { FoundProxy } from "./find-proxies.ts";
import { startProxy, type Environment, type RunningProxy } from "./start-proxy.ts";

/** Proxies that run at the same time. An idle proxy uses hardly any of its core. */
export class RunningProxies {
  readonly found: readonly FoundProxy[];
  readonly #environment: Environment;
  readonly #log: (line: string) => void;
  /** The keys are the setup and the kind of case. */
  readonly #running = new Map<string, readonly RunningProxy[]>();

  constructor(found: readonly FoundProxy[], environment: Environment, log: (line: string) => void) {
    this.found = found;
    this.#environment = environment;
    this.#log = log;
  }

  /** Starts the proxies that these cases need, unless they already run, and stops all others. */
  async start(cases: readonly BenchCase[]): Promise<Map<BenchCase, readonly RunningProxy[]>> {
    const keyOf = ({ setup, category }: BenchCase): string =>
      JSON.stringify([setup, category === "growth"]);
    const wanted = new Map(cases.map((one) => [keyOf(one), one]));
    for (const [key, proxies] of this.#running) {
      const hasFailed = proxies.some(({ process }) => process.hasExited);
      if (hasFailed || !wanted.has(key)) await this.#stop(key);
    }
    for (const [key, one] of wanted) {
      if (!this.#running.has(key)) await this.#startAll(key, one);
    }
    return new Map(cases.map((one) => [one, this.#running.get(keyOf(one)) ?? []]));
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((key) => this.#stop(key)));
  }

  async #startAll(key: string, { setup, category }: BenchCase): Promise<void> {
    // Growth is a property of one program. HAProxy shows how much of it is due to machine and load.
    const ofMode = this.found.filter(({ proxy }) => proxy.modes.includes(setup.mode));
    const found = ofMode.filter(
      ({ proxy }) => category !== "growth" || proxy.hasWorkers || proxy.name === referenceProxy,
    );
    const started: RunningProxy[] = [];
    this.#running.set(key, started);
    try {
      for (const one of found) {
        const listeners = (setup.ecdsaListeners + setup.rsaListeners).toLocaleString("en");
        const text = `listeners: ${listeners}, workers: ${setup.workers}`;
        this.#log(`starting ${one.proxy.name} (${text})`);
        started.push(await startProxy(one, setup, this.#environment));
      }
    } catch (error) {
      await this.#stop(key);
      throw error;
    }
  }

  async #stop(key: string): Promise<void> {
    const proxies = this.#running.get(key) ?? [];
    this.#running.delete(key);
    await Promise.all(proxies.map(({ process }) => process.stop()));
  }
}
