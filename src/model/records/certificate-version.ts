/** The versions of a certificate that the director keeps, as control process, CLI and tests share them. */
import Type from "typebox";
import { CertificateFactsSchema } from "../document/certificate.ts";
import { oneOf, shape, text, texts, type ShapeOf } from "../shape.ts";
import { AuthorSchema } from "./revision.ts";

const VERSION_STATES = ["pending", "staged", "active", "previous"] as const;

export const CertificateVersionSchema = shape(
  {
    id: text("Number of the version, from 1. It is never used again for the same certificate."),
    state: oneOf(
      VERSION_STATES,
      "`pending`: a request for it was made and a CA is to sign it. `staged`: it is kept and not served yet. `active`: it is served. `previous`: it was served before.",
    ),
    by: AuthorSchema,
    at: text("Time at which it came, ISO 8601."),
    from: text(
      "Where it came from: the names of the files, as their sender stated, the paths of watched files, or `request`.",
    ),
    facts: Type.Optional(CertificateFactsSchema),
    chain: Type.Optional(
      text("The chain that clients receive, PEM. Absent for earlier versions of watched files."),
    ),
    request: Type.Optional(text("The request for a CA (RFC 2986), PEM.")),
    activeFrom: Type.Optional(text("Time at which it was last made active, ISO 8601.")),
    activeUntil: Type.Optional(text("Time at which it was last replaced, ISO 8601.")),
    activatesItself: Type.Optional(
      Type.Boolean({
        description: "Whether it becomes active by itself when it is valid.",
      }),
    ),
  },
  "A version of a certificate. Its private key is sealed and never shown.",
);
export type CertificateVersionShape = ShapeOf<typeof CertificateVersionSchema>;

export const VersionChangeSchema = shape(
  {
    name: text("Name of the certificate."),
    version: text("Number of the version."),
    state: oneOf([...VERSION_STATES, "removed"], "Its state after the change."),
    before: Type.Optional(text("Number of the version that was active before, if it is another.")),
    serialNumber: Type.Optional(text("Serial number, hex. Absent for a request.")),
    notes: texts("What was done with the files beside keeping them."),
  },
  "A version that a change adds, makes active or removes.",
);
export type VersionChange = ShapeOf<typeof VersionChangeSchema>;
