import type { FastifyInstance } from "fastify";
import { FailureSchema } from "#model/failure-schema.ts";
import { ReloadResultSchema, type ReloadResult } from "#model/records/status.ts";
import type { Actor, ChangeResult } from "#control/change.ts";

/** The changes that an operator can request. */
export interface Changes {
  /** Does what SIGHUP does. Rejects with DirectorError if the change is refused; the state then stays as it was. */
  reload(actor: Actor): Promise<Pick<ChangeResult, "revision" | "isChanged">>;
}

/** Longer than a change takes, which waits for the changes before it and then for every worker, each with a deadline. */
const CHANGE_DEADLINE_MS = 300_000;

const reply = {
  response: { 200: ReloadResultSchema, "4xx": FailureSchema, "5xx": FailureSchema },
};

/** The routes that change something. They reply when the change is done or refused. */
export function addChangeRoutes(app: FastifyInstance, changes: Changes): void {
  const options = { schema: reply, handlerTimeout: CHANGE_DEADLINE_MS };
  app.post("/v1/reload", options, async (request): Promise<ReloadResult> => {
    // The connection is idle until the reply, which may take longer than the idle deadline of other connections.
    request.raw.setTimeout(CHANGE_DEADLINE_MS);
    const { revision, isChanged } = await changes.reload("api");
    return { revision, changed: isChanged };
  });
}
