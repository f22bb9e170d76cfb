import Type from "typebox";
import { ChainFactsSchema } from "../document/certificate.ts";
import type { ListenerName } from "../names.ts";
import { count, oneOf, shape, text, type ShapeOf } from "../shape.ts";
import { CertificateVersionSchema } from "./certificate-version.ts";
import { CertificateStatusSchema } from "./status.ts";

const CertificateUseSchema = shape(
  {
    listener: Type.Unsafe<ListenerName>(text("`<vnic>.<profile>:<port>`")),
    path: text("The path in the document that refers to the certificate."),
    shownTo: oneOf(["clients", "endpoints"], "To which side the listener presents it."),
  },
  "A reference of a listener to a certificate.",
);
export type CertificateUse = ShapeOf<typeof CertificateUseSchema>;

const CertificateTrafficSchema = shape(
  {
    newHandshakes: count("Full handshakes with it that were completed."),
    resumedHandshakes: count("Handshakes that resumed a session which was made with it."),
    failures: Type.Record(Type.String(), count("How often."), {
      description:
        "How often clients broke off in a way that names the certificate, by the label `cause` of `tlsd_certificate_failures_total`. Causes that have not occurred are absent.",
    }),
    lastUseAt: text("Time of the last of them, ISO 8601, to the second."),
  },
  "The handshakes with a certificate since the director started.",
);
export type CertificateTraffic = ShapeOf<typeof CertificateTrafficSchema>;

export const CertificateDetailSchema = shape(
  {
    ...CertificateStatusSchema.properties,
    chain: Type.Optional(ChainFactsSchema),
    usedBy: Type.Array(CertificateUseSchema, {
      description: "The listeners that refer to it, in the order of the document.",
    }),
    traffic: Type.Optional(CertificateTrafficSchema),
    versions: Type.Array(CertificateVersionSchema, {
      description:
        "The versions that the director has had, the newest first, also those that came from files.",
    }),
  },
  "Everything about a certificate. `traffic` is absent if there was none, or if the certificate is counted with the `other` ones.",
);
export type CertificateDetail = ShapeOf<typeof CertificateDetailSchema>;
