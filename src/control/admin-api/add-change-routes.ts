import type { FastifyInstance } from "fastify";
import { FailureSchema } from "#model/failure-schema.ts";
import { ReloadResultSchema, type ReloadResult } from "#model/records/status.ts";
import type { Actor, ChangeResult } from "#control/change.ts";

/** What an operator may have done. */
export interface Changes {
  /** Does what SIGHUP does. Throws DirectorError, and the state before goes on. */
  reload(actor: Actor): Promise<Pick<ChangeResult, "revision" | "isChanged">>;
}

/** A change waits for those before it, and then for every worker; all of these have deadlines of their own. */
const CHANGE_DEADLINE_MS = 300_000;

const reply = {
  response: { 200: ReloadResultSchema, "4xx": FailureSchema, "5xx": FailureSchema },
};

/** Requests that change something; the reply comes when the change is done or refused. */
export function addChangeRoutes(app: FastifyInstance, changes: Changes): void {
  const options = { schema: reply, handlerTimeout: CHANGE_DEADLINE_MS };
  app.post("/v1/reload", options, async (request): Promise<ReloadResult> => {
    // The connection is idle until the reply, longer than others may be.
    request.raw.setTimeout(CHANGE_DEADLINE_MS);
    const { revision, isChanged } = await changes.reload("api");
    return { revision, changed: isChanged };
  });
}
