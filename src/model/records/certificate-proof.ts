/** What workers have shown after a change of certificates. */
import Type from "typebox";
import { count, shape, text, type ShapeOf } from "../shape.ts";

/** How many results one reply or log line lists. */
export const MAX_PROOFS = 256;

const worker = count("The id of the worker.");
const certificate = text("The name of the certificate.");

export const CertificateProofSchema = shape(
  {
    shown: Type.Array(
      shape(
        { worker, certificate, serial: text("Serial number of the version that was shown, hex.") },
        "A worker has shown the new version in a handshake.",
      ),
      { description: "The new versions that workers have shown." },
    ),
    hidden: Type.Array(
      shape(
        { worker, certificate, by: text("The name of the certificate that was shown.") },
        "A worker has shown another certificate of the listener that is in force, because clients that ask for these names are served that one.",
      ),
      { description: "New versions that no client with the names of the certificate is shown." },
    ),
    unproven: Type.Array(
      shape(
        { worker, certificate, reason: text("What the worker did instead, in a sentence.") },
        "A worker has not shown the new version.",
      ),
      {
        description:
          "What could not be proved, although a worker that failed was replaced: a fresh worker did no better. It is empty after a healthy change.",
      },
    ),
    replaced: Type.Array(worker, {
      description: "Workers that did not show a new version, and were replaced before the reply.",
    }),
    untried: count(
      "How many changed certificates were not asked for. Of many changed certificates only a sample is.",
    ),
  },
  "The proof that new handshakes are shown the new certificates: each worker has made a handshake for each of them.",
);
export type CertificateProof = ShapeOf<typeof CertificateProofSchema>;
