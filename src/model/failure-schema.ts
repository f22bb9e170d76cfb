import Type from "typebox";
import { FAILURES, type FailureCode } from "./failure.ts";
import { oneOf, shape, text } from "./shape.ts";

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
  },
  "One thing that is wrong in a document or in a file that it names.",
);

export const FailureCodeSchema = oneOf(
  Object.keys(FAILURES) as FailureCode[],
  "Code of the failure catalogue.",
);

export const FailureSchema = shape(
  {
    code: FailureCodeSchema,
    message: text("The failure in a sentence."),
    hint: text("What to do next."),
    path: Type.Optional(text("Dotted path in the document.")),
    problems: Type.Optional(Type.Array(ProblemSchema)),
  },
  "A failure.",
);
