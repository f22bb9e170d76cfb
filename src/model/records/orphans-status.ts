/** What an operator sees of the workers of an earlier director that was killed. */
import Type from "typebox";
import { count, shape, text, type ShapeOf } from "../shape.ts";

const OrphansStatusSchema = shape(
  {
    workers: count("How many of them still run."),
    until: text("Time by which they have ended, ISO 8601."),
  },
  "The workers of an earlier director that was killed, while they let their connections end. These connections are neither listed nor counted. Absent if there are no such workers.",
);
export type OrphansStatus = ShapeOf<typeof OrphansStatusSchema>;

export const OptionalOrphans = Type.Optional(OrphansStatusSchema);
