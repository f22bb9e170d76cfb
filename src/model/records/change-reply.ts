/** The replies of the admin API to changes, which control process, CLI and tests share. */
import Type from "typebox";
import type { Json } from "../json.ts";
import type { ListenerName } from "../names.ts";
import { ProblemSchema } from "../failure-schema.ts";
import { count, oneOf, shape, text, type ShapeOf } from "../shape.ts";
import { CertificateProofSchema } from "./certificate-proof.ts";
import { VersionChangeSchema } from "./certificate-version.ts";
import { CutStatusSchema } from "./cut-status.ts";
import { RevisionRecordSchema } from "./revision.ts";

/** How many differences and listeners one reply names. The rest is counted. */
export const MAX_NAMED = 1_000;

const jsonValue = (description: string) => Type.Unsafe<Json>(Type.Unknown({ description }));

export const PathChangeSchema = shape(
  {
    path: text("Path in the document. A listener is named by its port."),
    kind: oneOf(["added", "removed", "changed"], "What happened to the value."),
    before: Type.Optional(jsonValue("The value before.")),
    after: Type.Optional(jsonValue("The value after.")),
    text: text("The difference in one line."),
  },
  "One difference between two documents. Secrets are shown as fingerprints.",
);
export type PathChangeShape = ShapeOf<typeof PathChangeSchema>;

export const DifferenceSchema = shape(
  {
    changes: Type.Array(PathChangeSchema, { description: "The differences, at most 1,000." }),
    omitted: count("How many differences the list leaves out."),
  },
  "What differs between two documents.",
);
export type DifferenceShape = ShapeOf<typeof DifferenceSchema>;

const AffectedListenerSchema = shape(
  {
    listener: Type.Unsafe<ListenerName>(text("`<vnic>.<profile>:<port>`")),
    effect: oneOf(
      ["opens", "closes", "changes"],
      "`changes` means that it stays open with other settings. Its connections go on.",
    ),
    openConnections: count("Connections that it has open now."),
  },
  "A listener that the change affects.",
);

export const ChangeReplySchema = shape(
  {
    revision: count(
      "Revision of the document in force. After a dry run it is the one that the answer was computed on.",
    ),
    changed: Type.Boolean({
      description: "False if everything wanted was in force already. Nothing was changed then.",
    }),
    dryRun: Type.Boolean({
      description: "True if nothing was changed. The workers have not been asked then.",
    }),
    difference: DifferenceSchema,
    listeners: Type.Array(AffectedListenerSchema, {
      description: "The listeners that it affects, at most 1,000. All others notice nothing.",
    }),
    listenersOmitted: count("How many listeners the list leaves out."),
    cut: Type.Optional(CutStatusSchema),
    proof: Type.Optional(CertificateProofSchema),
    endedSessions: Type.Optional(
      shape(
        {
          atMost: count(
            "How many clients at most make a full handshake because of it: the full handshakes of these listeners since the start.",
          ),
        },
        "Earlier sessions of the listeners that present another certificate do not resume. Absent if they do.",
      ),
    ),
    versions: Type.Array(VersionChangeSchema, {
      description: "The versions of certificates that it adds, makes active or removes.",
    }),
    warnings: Type.Array(ProblemSchema, { description: "What the document should not have." }),
  },
  "What a change did, or would do.",
);
export type ChangeReply = ShapeOf<typeof ChangeReplySchema>;

export const RevisionReplySchema = shape(
  {
    ...RevisionRecordSchema.properties,
    difference: Type.Optional(DifferenceSchema),
  },
  "One revision of the document, and how it differs from its parent, if that is still kept.",
);
export type RevisionReply = ShapeOf<typeof RevisionReplySchema>;
