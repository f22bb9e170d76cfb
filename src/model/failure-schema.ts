import Type from "typebox";
import { FAILURES } from "./failure-catalog.ts";
import type { FailureCode } from "./failure.ts";
import { count, oneOf, shape, text } from "./shape.ts";

export const ProblemSchema = shape(
  {
    path: text("Dotted path in the document, e.g. `profiles.shop.vnics.front.listeners[0].port`."),
    code: text("What kind of problem it is."),
    message: text("The problem in a sentence."),
    hint: text("What to do next."),
    severity: oneOf(
      ["error", "warning"],
      "A document with an error is refused. A warning does not make it invalid.",
    ),
    file: Type.Optional(text("Path of the document, if it was read from a file.")),
    line: Type.Optional(count("Line of `file`, from 1. Absent if the problem has no place there.")),
    column: Type.Optional(count("Column of the line, from 1.")),
  },
  "One thing that is wrong in a document or in a file that it names.",
);

export const FailureCodeSchema = oneOf(
  Object.keys(FAILURES) as FailureCode[],
  "Code of the failure catalogue.",
);

const failureProperties = {
  code: FailureCodeSchema,
  message: text("The failure in a sentence."),
  hint: text("What to do next."),
  path: Type.Optional(text("Dotted path in the document.")),
  problems: Type.Optional(Type.Array(ProblemSchema)),
};

export const FailureSchema = shape(failureProperties, "A failure.");

export const FailureReplySchema = shape(
  {
    type: text("Reference to the description of the code."),
    title: text("What the code means, in a sentence."),
    status: count("The HTTP status of the reply."),
    detail: text("The failure in a sentence, the same as `message`."),
    ...failureProperties,
  },
  "A failure as problem details (RFC 9457), with media type application/problem+json.",
);
