import type { FastifyInstance } from "fastify";
import { checkJsonText } from "#model/document/check-json-text.ts";
import { DirectorError } from "#model/failure.ts";

export const JSON_TYPE = "application/json";
/** RFC 7396. */
export const MERGE_PATCH_TYPE = "application/merge-patch+json";

/** Parses the bodies of both media types. A key that is used twice, or deep nesting, is refused with its place. */
export function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>(
    [JSON_TYPE, MERGE_PATCH_TYPE],
    { parseAs: "string" },
    (_request, text, done) => {
      try {
        done(null, parseJson(text));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  );
}

/** Throws DirectorError `bad-request`. An empty body is undefined. */
function parseJson(text: string): unknown {
  if (text.trim() === "") return undefined;
  const problem = checkJsonText(text);
  if (problem !== undefined) {
    throw new DirectorError("bad-request", `The body: ${problem.message}`, { path: problem.path });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new DirectorError("bad-request", `The body is not JSON. ${detail}`, { cause });
  }
}
