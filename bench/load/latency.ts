import type { TLSSocket } from "node:tls";
import { openConnectionSet } from "./connection-set.ts";
import { answerBytes, requestBytes } from "./exchange.ts";
import { percentileOf } from "./percentile.ts";
import type { Latency, LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";

/** Arrivals come in bursts of this period: finer timers would spin, on a core that the endpoint may share. */
const tickMs = 1;

serveLoad(prepareLatency);

/**
 * 48-byte requests that arrive at a fixed rate, whether or not earlier ones are answered: each is due at a moment fixed
 * beforehand, and its latency counts from that moment. A subject that stalls is charged for every request that was due
 * in the meantime (no coordinated omission), and the load for its own lateness, which is told apart.
 */
async function prepareLatency(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnectionSet(plan, plan.concurrency);

  function requestAll(): Promise<Latency> {
    return new Promise((resolve, reject) => {
      const perTick = ((plan.requestsPerSecond ?? 0) * tickMs) / 1_000;
      const latenciesUs = new Float64Array(plan.operations);
      const latenessUs = new Float64Array(plan.operations);
      const dueMs = new Float64Array(plan.operations);
      const free: Waiting[] = [];
      const startMs = performance.now();
      let due = 0;
      let sent = 0;
      let answered = 0;

      function sendDue(): void {
        while (sent < due) {
          const waiting = free.pop();
          if (waiting === undefined) {
            return;
          }
          waiting.index = sent;
          sent += 1;
          waiting.socket.write(requestBytes);
        }
      }
      function onAnswer(waiting: Waiting): void {
        const nowMs = performance.now();
        latenciesUs[answered] = (nowMs - (dueMs[waiting.index] ?? 0)) * 1_000;
        answered += 1;
        free.push(waiting);
        sendDue();
        if (answered === plan.operations) {
          clearInterval(ticking);
          resolve({
            p50Us: percentileOf(latenciesUs, 50),
            p99Us: percentileOf(latenciesUs, 99),
            lateP99Us: percentileOf(latenessUs, 99),
          });
        }
      }
      function tick(): void {
        const nowMs = performance.now();
        const passed = Math.floor((nowMs - startMs) / tickMs);
        const dueNow = Math.min(plan.operations, Math.floor((passed + 1) * perTick));
        while (due < dueNow) {
          const thisDueMs = startMs + Math.floor(due / perTick) * tickMs;
          dueMs[due] = thisDueMs;
          latenessUs[due] = (nowMs - thisDueMs) * 1_000;
          due += 1;
        }
        sendDue();
      }
      for (const socket of connections.sockets) {
        free.push(watch(socket, onAnswer, reject));
      }
      const ticking = setInterval(tick, tickMs);
    });
  }
  return {
    go: async () => ({
      operations: plan.operations,
      latency: await Promise.race([requestAll(), connections.broken]),
    }),
    close: () => connections.close(),
  };
}

/** A connection and the request that it is on. */
interface Waiting {
  readonly socket: TLSSocket;
  index: number;
}

function watch(
  socket: TLSSocket,
  onAnswer: (waiting: Waiting) => void,
  fail: (error: Error) => void,
): Waiting {
  const waiting: Waiting = { socket, index: 0 };
  let receivedBytes = 0;
  socket.on("data", (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes > answerBytes.length) {
      fail(new Error("it sent more than the answer"));
    }
    if (receivedBytes === answerBytes.length) {
      receivedBytes = 0;
      onAnswer(waiting);
    }
  });
  return waiting;
}
