import type { TLSSocket } from "node:tls";
import { repeatedExchangeOf } from "./answers.ts";
import type { Latency, LoadPlan, PreparedLoad } from "./messages.ts";
import { openConnections, type OpenConnections } from "./open-connections.ts";

/** Requests arrive in bursts of this period. A finer timer would use all of a core that the endpoint may share. */
const tickMs = 1;

/**
 * Requests arrive at a fixed rate, whether or not earlier requests have been answered. Each is due at a time that
 * is fixed beforehand, and its latency counts from that time. So if a proxy stalls, the latency of every request that was
 * due in the meantime includes the stall (no coordinated omission). The same holds for delays of the load itself, which are
 * also measured separately.
 */
export async function prepareLatency(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnections(plan, plan.concurrency);
  return {
    async run() {
      const latency = await connections.guard(requestAll(connections, plan));
      return { operations: plan.operations, latency };
    },
    close: () => connections.close(),
  };
}

function requestAll({ sockets }: OpenConnections, plan: LoadPlan): Promise<Latency> {
  const { operations, requestsPerSecond = 0 } = plan;
  const { request, onEachAnswer } = repeatedExchangeOf(plan);
  return new Promise((resolve, reject) => {
    const perTick = (requestsPerSecond * tickMs) / 1_000;
    const latenciesUs = new Float64Array(operations);
    const latenessUs = new Float64Array(operations);
    const dueMs = new Float64Array(operations);
    const idle: { readonly socket: TLSSocket; request: number }[] = [];
    const startMs = performance.now();
    let due = 0;
    let sent = 0;
    let answered = 0;

    function sendDue(): void {
      while (sent < due) {
        const connection = idle.pop();
        if (connection === undefined) return;
        connection.request = sent;
        sent += 1;
        connection.socket.write(request);
      }
    }
    function tick(): void {
      const nowMs = performance.now();
      const ticks = Math.floor((nowMs - startMs) / tickMs);
      const dueNow = Math.min(operations, Math.floor((ticks + 1) * perTick));
      while (due < dueNow) {
        const thisDueMs = startMs + Math.floor(due / perTick) * tickMs;
        dueMs[due] = thisDueMs;
        latenessUs[due] = (nowMs - thisDueMs) * 1_000;
        due += 1;
      }
      sendDue();
    }
    for (const socket of sockets) {
      const connection = { socket, request: 0 };
      const onAnswer = (): void => {
        latenciesUs[answered] = (performance.now() - (dueMs[connection.request] ?? 0)) * 1_000;
        answered += 1;
        idle.push(connection);
        sendDue();
        if (answered < operations) return;
        clearInterval(ticking);
        resolve({
          p50Us: percentileOf(latenciesUs, 50),
          p99Us: percentileOf(latenciesUs, 99),
          lateP99Us: percentileOf(latenessUs, 99),
        });
      };
      onEachAnswer(socket, onAnswer, reject);
      idle.push(connection);
    }
    const ticking = setInterval(tick, tickMs);
  });
}

/** Percentile by the nearest-rank method. Returns NaN if there are no values. */
export function percentileOf(values: Float64Array, percent: number): number {
  const sorted = values.toSorted();
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
