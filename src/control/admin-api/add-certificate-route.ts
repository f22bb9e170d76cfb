import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { CertificateDetailSchema } from "#model/records/certificate-detail.ts";
import type { DirectorView } from "#control/director-view.ts";
import { absentResource, KINDS } from "./resource-kinds.ts";
import { route } from "./route.ts";

/** The route that says everything about one certificate. The routes of resources say how it is written. */
export function addCertificateRoute(app: FastifyInstance, view: DirectorView): void {
  app.get<{ Params: { readonly name: string } }>(
    "/v1/certificates/:name/status",
    route({
      operationId: "getCertificateStatus",
      tags: ["certificates"],
      summary: "Show one certificate: its chain, what needs attention, its uses and its handshakes",
      params: Type.Object({
        name: Type.String({
          description: "Name of the certificate.",
          examples: [KINDS.certificates.nameExample],
        }),
      }),
      reply: CertificateDetailSchema,
    }),
    async ({ params: { name } }) => {
      const found = await view.certificate(name);
      if (found === undefined) throw absentResource("certificates", name);
      return found;
    },
  );
}
