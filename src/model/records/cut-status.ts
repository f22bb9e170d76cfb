/** What an operator sees of deadlines at which open connections are cut. */
import Type from "typebox";
import { shape, text, type ShapeOf } from "../shape.ts";

export const CutStatusSchema = shape(
  {
    profile: Type.Optional(
      text("The open connections of this profile to servers that it has left are cut."),
    ),
    server: Type.Optional(
      text(
        "The open connections to this server are cut, because it was drained, or those of profiles that have left it.",
      ),
    ),
    at: text("Time of the deadline, ISO 8601."),
  },
  "A deadline at which open connections are cut. It is for a profile or for a server.",
);
export type CutStatus = ShapeOf<typeof CutStatusSchema>;
