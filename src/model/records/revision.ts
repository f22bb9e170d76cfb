/** The schemas and types of the history of the document, which control process, CLI and tests share. */
import Type from "typebox";
import { count, oneOf, shape, text, type ShapeOf } from "../shape.ts";

const ORIGINS = [
  "start",
  "signal",
  "file",
  "socket",
  "certificate-watcher",
  "address-watcher",
] as const;

export const AuthorSchema = shape(
  {
    origin: oneOf(
      ORIGINS,
      "Where the change came from: the start of the director, SIGHUP, a reload of the file, the admin socket, the watcher of certificate files, or the watcher of addresses.",
    ),
    uid: Type.Optional(count("User id that the client stated. It is not verified.")),
    user: Type.Optional(text("User name that the client stated. It is not verified.")),
    sudoUser: Type.Optional(
      text("The user who started the client with sudo, as the client stated. It is not verified."),
    ),
  },
  "Who made a change. A client of the admin socket states its user, which is not verified.",
);
export type Author = ShapeOf<typeof AuthorSchema>;

export const RevisionRecordSchema = shape(
  {
    revision: count("Number of the revision, from 1."),
    parent: count("The revision that it replaced; 0 if there was none."),
    at: text("Time at which it was saved, ISO 8601."),
    by: AuthorSchema,
    reason: Type.Optional(text("Why, in the words of the author.", { maxLength: 500 })),
    cause: oneOf(
      ["change", "undo", "restore"],
      "`undo` takes back one revision; `restore` sets the document of an earlier revision.",
    ),
    undoes: Type.Optional(
      count("The revision that was taken back, or whose document was restored."),
    ),
    hash: text(
      "Identifies the document of the revision. Documents with equal hashes are equal. Equal documents without secrets have equal hashes.",
    ),
  },
  "One revision of the document.",
);
export type RevisionRecord = ShapeOf<typeof RevisionRecordSchema>;
