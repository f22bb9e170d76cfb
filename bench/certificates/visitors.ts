import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { BenchFailure } from "../bench-failure.ts";
import { requestBytes } from "../load/exchange.ts";

const visitDeadlineMs = 30_000;
/** The director limits the rate of connections of one client address. */
const clientAddresses = Array.from({ length: 64 }, (_, at) => `127.0.1.${at + 1}`);

/** Opens a connection to the certificate with this number, counted up from 0. */
type OpenVisit = (at: number, localAddress: string) => Promise<TLSSocket>;

/** Clients of which each makes a full handshake, sends a small request and leaves. They come at a steady rate. */
export class Visitors {
  readonly #open: OpenVisit;
  readonly #stopped: Promise<void>;
  #isStopping = false;
  #failure: BenchFailure | undefined;

  constructor(aSecond: number, open: OpenVisit) {
    this.#open = open;
    this.#stopped = this.#come(aSecond);
  }

  /** Rejects with the first failure of a visit. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#stopped;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #come(aSecond: number): Promise<void> {
    const visits: Promise<void>[] = [];
    const startedMs = performance.now();
    for (let at = 0; !this.#isStopping; at += 1) {
      visits.push(this.#visit(at).catch((error: unknown) => this.#fail(error)));
      await delay(Math.max(0, startedMs + ((at + 1) * 1_000) / aSecond - performance.now()));
    }
    await Promise.all(visits);
  }

  #fail(error: unknown): void {
    this.#failure ??= new BenchFailure(`A visit during the rotations failed: ${String(error)}`);
  }

  async #visit(at: number): Promise<void> {
    const socket = await this.#open(at, clientAddresses[at % clientAddresses.length] ?? "");
    socket.write(requestBytes);
    await once(socket, "data", { signal: AbortSignal.timeout(visitDeadlineMs) });
    socket.destroy();
  }
}
