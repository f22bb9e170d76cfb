import { openConnectionSet } from "./connection-set.ts";
import type { LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";

serveLoad(prepareIdle);

/** Opens the plan's operations as connections and leaves them idle. */
async function prepareIdle(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnectionSet(plan.target, plan.operations, plan.concurrency);
  return {
    go: () => Promise.race([Promise.resolve(connections.sockets.length), connections.broken]),
    close: () => connections.close(),
  };
}
