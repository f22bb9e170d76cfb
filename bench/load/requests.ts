import type { TLSSocket } from "node:tls";
import autocannon from "autocannon";
import { BenchFailure } from "../bench-failure.ts";
import { answerBody } from "./exchange.ts";
import { benchServerName, type LoadPlan, type PreparedLoad } from "./messages.ts";
import { findMismatch, tlsOptionsOf } from "./tls-client.ts";

const responseDeadlineS = 120;
/** Extra requests, as a share of those that count: they are answered while autocannon opens its connections. */
const rampShare = 0.5;

/**
 * Runs autocannon over keep-alive connections, with one request in flight on each. The load is prepared when every connection
 * has received an answer, so that no handshake is measured. Requests count from then to the last answer.
 */
export async function prepareRequests(plan: LoadPlan): Promise<PreparedLoad> {
  const [listener] = plan.target.listeners;
  const unanswered = new Set<unknown>();
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<autocannon.Result>();
  let answered = 0;

  function watch(client: autocannon.Client): void {
    unanswered.add(client);
    client.once("headers", () => {
      // autocannon accepts any certificate and any group. Its types do not declare the socket.
      const { conn } = client as autocannon.Client & { readonly conn: TLSSocket };
      const mismatch = findMismatch(conn, plan.tls);
      if (mismatch !== undefined) ready.reject(new BenchFailure(mismatch));
      unanswered.delete(client);
      if (unanswered.size === 0) ready.resolve();
    });
    client.on("response", () => {
      answered += 1;
    });
  }
  const instance = autocannon(
    {
      url: `https://${listener?.virtualIp}:${listener?.port}/`,
      servername: benchServerName,
      tlsOptions: tlsOptionsOf(plan.target, plan.tls),
      headers: { host: benchServerName },
      connections: plan.concurrency,
      amount: Math.ceil(plan.operations * (1 + rampShare)),
      timeout: responseDeadlineS,
      sampleInt: 100,
      expectBody: answerBody,
      setupClient: watch,
    },
    (error: unknown, result) => {
      if (error instanceof Error) ended.reject(error);
      else ended.resolve(result);
    },
  );
  ended.promise.catch(ready.reject);
  instance.on("reqError", ready.reject);
  await ready.promise;

  return {
    async run() {
      const before = answered;
      const { errors, timeouts, mismatches, non2xx, resets } = await ended.promise;
      const counts = Object.entries({ errors, timeouts, mismatches, non2xx, resets });
      const failed = counts.filter(([, count]) => count > 0);
      if (failed.length > 0) {
        const list = failed.map(([kind, count]) => `${kind}: ${count}`).join(", ");
        throw new BenchFailure(`autocannon reported ${list}`);
      }
      return { operations: answered - before };
    },
    async close() {
      instance.stop();
      await ended.promise;
    },
  };
}
