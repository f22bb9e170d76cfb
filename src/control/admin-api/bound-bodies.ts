import type { FastifyInstance, FastifyRequest } from "fastify";
import { DirectorError } from "#model/failure.ts";

/**
 * Limits how many bytes the bodies of all requests under way may have together. A request with a body that does not fit is
 * refused with `too-many-changes` before its body is read. A body counts with the length that its request declares or, if it
 * declares none, with the most that its route accepts.
 */
export function boundBodies(app: FastifyInstance, mostBytes: number): void {
  let taken = 0;
  app.addHook("preParsing", (request, reply, _payload, done) => {
    const bytes = bytesOf(request);
    if (bytes > 0 && taken + bytes > mostBytes) {
      const text = `The requests that are being answered have ${mostBytes} bytes in their bodies already.`;
      done(new DirectorError("too-many-changes", text));
      return;
    }
    taken += bytes;
    reply.raw.once("close", () => {
      taken -= bytes;
    });
    done();
  });
}

/** A declared length over the limit of the route is refused by fastify, which reads nothing of such a body. */
function bytesOf({ headers, routeOptions }: FastifyRequest): number {
  const declared = headers["content-length"];
  if (declared === undefined && headers["transfer-encoding"] === undefined) return 0;
  const most = routeOptions.bodyLimit ?? 0;
  return declared === undefined ? most : Math.min(Number(declared), most);
}
