import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { DirectorError } from "#model/failure.ts";
import { ProfileStatusSchema } from "#model/records/status.ts";
import type { DirectorView } from "#control/director-view.ts";
import { absentResource } from "./resource-kinds.ts";
import { route } from "./route.ts";

/** Throws DirectorError if the profile is not on standby, or if its servers are not up. */
export type FailBack = (profile: string) => void;

const Params = Type.Object({
  name: Type.String({ description: "Name of the profile.", examples: ["shop"] }),
});

/** The route by which an operator ends the use of standby servers. The document does not change. */
export function addFailbackRoute(
  app: FastifyInstance,
  view: DirectorView,
  failBack: FailBack,
): void {
  app.post<{ Params: { readonly name: string } }>(
    "/v1/profiles/:name/failback",
    route({
      operationId: "failBackProfile",
      tags: ["profiles"],
      summary: "Let the servers of a profile serve again in place of its standby servers",
      params: Params,
      reply: ProfileStatusSchema,
    }),
    ({ params: { name } }) => {
      const statusOf = () => view.profiles().find((profile) => profile.name === name);
      if (statusOf() === undefined) throw absentResource("profiles", name);
      failBack(name);
      const status = statusOf();
      if (status === undefined) throw new DirectorError("not-ready");
      return status;
    },
  );
}
