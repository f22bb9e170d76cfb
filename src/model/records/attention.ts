import { oneOf, shape, text, type ShapeOf } from "../shape.ts";

/** Why a certificate needs attention. The most urgent is first. */
export const ATTENTION_CODES = [
  "expired",
  "expiring",
  "not-yet-valid",
  "refused",
  "last-good-served",
  "staged-worse",
  "unused",
  "key-costly",
  "chain-incomplete",
  "chain-order",
  "intermediate-expired",
  "root-in-chain",
  "validity-too-long",
  "not-servable",
  "key-usage",
  "chain-large",
  "pem-not-used",
] as const;
export type AttentionCode = (typeof ATTENTION_CODES)[number];

export const AttentionSchema = shape(
  {
    code: oneOf(
      ATTENTION_CODES,
      "Why. `refused`: newer files, or the only ones, cannot be used. `last-good-served`: a version that the director kept is served in place of the files. `not-servable`: because the engine of the workers cannot serve them. `staged-worse`: a staged version would make something worse.",
    ),
    message: text("The same in a sentence."),
    hint: text("What to do."),
  },
  "A reason why a certificate needs attention.",
);
export type Attention = ShapeOf<typeof AttentionSchema>;
