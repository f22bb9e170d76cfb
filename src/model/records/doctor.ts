import Type from "typebox";
import { oneOf, shape, text, type ShapeOf } from "../shape.ts";

export const DoctorCheckSchema = shape(
  {
    name: text("What was checked, e.g. `open-files`."),
    result: oneOf(
      ["ok", "warning", "problem"],
      "`problem` if clients are refused, or may be, because of it.",
    ),
    message: text("What was found, in a sentence."),
    remedy: Type.Optional(text("A command that mends it. Absent if nothing is to be mended.")),
  },
  "One thing on which a director depends on its machine.",
);
export type DoctorCheck = ShapeOf<typeof DoctorCheckSchema>;
