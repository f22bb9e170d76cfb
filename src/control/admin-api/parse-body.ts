import type { FastifyInstance, FastifyRequest } from "fastify";
import { DirectorError } from "#model/failure.ts";
import { SourceProblem } from "#control/certificates/source-problem.ts";
import { parseJson } from "#control/parse-json.ts";
import { SyntaxProblem } from "#control/syntax-problem.ts";

export const JSON_TYPE = "application/json";
/** RFC 7396. */
export const MERGE_PATCH_TYPE = "application/merge-patch+json";

/** A larger body would keep the control process from its other work. */
const MAX_HERE_BYTES = 256 * 1024;

/**
 * Does what `parseJson` does, in another process. `isDocument` tells whether the bounds of a document hold. Rejects with SyntaxProblem
 * or SourceProblem, or with DirectorError.
 */
export type ReadLargeBody = (bytes: Uint8Array, isDocument: boolean) => Promise<unknown>;

/** Parses the bodies of both media types. A key that is used twice, or deep nesting, is refused with its place. */
export function parseBodies(app: FastifyInstance, readLarge: ReadLargeBody): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    [JSON_TYPE, MERGE_PATCH_TYPE],
    { parseAs: "buffer" },
    async (request: FastifyRequest, bytes: Buffer): Promise<unknown> => {
      const coding = request.headers["content-encoding"] ?? "identity";
      if (coding !== "identity") {
        throw new DirectorError("unsupported-media-type", "The body must have no content coding.");
      }
      try {
        if (bytes.length <= MAX_HERE_BYTES) return parseJson(bytes);
        return await readLarge(bytes, request.routeOptions.config.body?.holdsFiles !== true);
      } catch (error) {
        throw failureOf(error);
      }
    },
  );
}

function failureOf(error: unknown): unknown {
  if (error instanceof SyntaxProblem) {
    return new DirectorError("bad-request", `The body cannot be read. ${error.message}`);
  }
  if (!(error instanceof SourceProblem)) return error;
  const { message, path } = error.problem;
  return new DirectorError("bad-request", `The body: ${message}`, { path });
}
