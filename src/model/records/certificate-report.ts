import Type from "typebox";
import type { CertificateName } from "../names.ts";
import { count, shape, type ShapeOf } from "../shape.ts";
import { CERTIFICATE_SLOTS } from "./metric-catalog.ts";
import { longText } from "./record-fields.ts";

/** What a worker reports of one certificate. */
export const CertificateReportSchema = shape(
  {
    name: Type.Unsafe<CertificateName>(longText("Name of the certificate.")),
    counts: Type.Array(count("How often since the last report."), {
      minItems: CERTIFICATE_SLOTS.size,
      maxItems: CERTIFICATE_SLOTS.size,
    }),
  },
  "The handshakes with one certificate, as `CERTIFICATE_SLOTS` lays them out.",
);
export type CertificateReport = ShapeOf<typeof CertificateReportSchema>;
