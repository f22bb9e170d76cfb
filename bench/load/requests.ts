import type { TLSSocket } from "node:tls";
import autocannon from "autocannon";
import { benchServerName } from "../bench-certificate.ts";
import { BenchFailure } from "../bench-failure.ts";
import { answerBody } from "./exchange.ts";
import type { LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";
import { tlsOptionsOf, tryDeviation } from "./tls-client.ts";

/** A run is over long before. */
const deadlineS = 120;
/** How much more is asked for than counted: what passes while the connections are being opened. */
const rampShare = 0.5;

serveLoad(prepareRequests);

/**
 * autocannon over keep-alive connections, one request in flight on each. It is prepared when every connection has had
 * an answer, so that no handshake is in the figure; from then to the last answer, requests count.
 */
async function prepareRequests(plan: LoadPlan): Promise<PreparedLoad> {
  const [listener] = plan.target.listeners;
  const waiting = new Set<unknown>();
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<autocannon.Result>();
  let answered = 0;

  function watch(client: autocannon.Client): void {
    waiting.add(client);
    client.once("headers", () => {
      const obstacle = tryDeviation(socketOf(client), plan.terms);
      if (obstacle !== undefined) {
        ready.reject(new BenchFailure(obstacle));
      }
      waiting.delete(client);
      if (waiting.size === 0) {
        ready.resolve();
      }
    });
    client.on("response", () => {
      answered += 1;
    });
  }
  const instance = autocannon(
    {
      url: `https://${listener?.virtualIp}:${listener?.port}/`,
      servername: benchServerName,
      tlsOptions: tlsOptionsOf(plan.target, plan.terms),
      headers: { host: benchServerName },
      connections: plan.concurrency,
      amount: Math.ceil(plan.operations * (1 + rampShare)),
      timeout: deadlineS,
      sampleInt: 100,
      expectBody: answerBody,
      setupClient: watch,
    },
    (error: unknown, result) => {
      if (error instanceof Error) {
        ended.reject(error);
      } else {
        ended.resolve(result);
      }
    },
  );
  ended.promise.catch(ready.reject);
  instance.on("reqError", ready.reject);
  await ready.promise;

  return {
    async go() {
      const before = answered;
      const { errors, timeouts, mismatches, non2xx, resets } = await ended.promise;
      const troubles = Object.entries({ errors, timeouts, mismatches, non2xx, resets });
      const met = troubles.filter(([, count]) => count > 0);
      if (met.length > 0) {
        throw new BenchFailure(
          `autocannon met ${met.map(([kind, count]) => `${kind}: ${count}`).join(", ")}`,
        );
      }
      return { operations: answered - before };
    },
    async close() {
      instance.stop();
      await ended.promise;
    },
  };
}

/** autocannon ignores an invalid certificate and an unknown group, so its socket is looked at; the types hide it. */
function socketOf(client: autocannon.Client): TLSSocket {
  return (client as autocannon.Client & { readonly conn: TLSSocket }).conn;
}
