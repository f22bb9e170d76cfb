/**
 * What the control process asks a reader process, and what that answers. All of it is JSON; the contents of files and PEM text
 * follow it as bytes. A reader trusts the control process, so nothing checks a job. The control process checks each answer by
 * its schema, because the reader may have been taken over by the file that it parsed.
 *
 * A reader imports only types from here, because typebox would double the time of its start.
 */
import Type, { type TSchema } from "typebox";
import {
  CertificateFactsSchema,
  ChainFactsSchema,
  SigningFactsSchema,
} from "#model/document/certificate.ts";
import { ProblemSchema } from "#model/failure-schema.ts";
import type { Problem } from "#model/failure.ts";
import { count, oneOf, shape, text, type ShapeOf } from "#model/shape.ts";
import { MAX_PROOF_SERIAL } from "#protocol/proof-socket.ts";
import { IMPORT_NOTES } from "../certificates/import/import-note.ts";
import type { ImportOptions } from "../certificates/import/read-import.ts";
import type { CertificatePlaces } from "../certificates/parse-certificate.ts";
import type { TrustPlaces } from "../certificates/parse-trust.ts";

/** The contents of the files follow the job in the order that is given here. A file that does not exist has no bytes. */
export type Job = ReaderJob | TrialJob | ProofJob;

/** A job of a prover. */
export interface ProofJob {
  readonly kind: "proof";
  readonly handshakes: readonly ProofHandshake[];
}

/** A handshake on the socket that a worker has opened for a proof. */
export interface ProofHandshake extends ClientOffer {
  /** Base64. */
  readonly token: string;
}

/** What a client offers, so that a listener chooses a certain certificate. Names are those of OpenSSL. */
export interface ClientOffer {
  readonly serverName: string | undefined;
  readonly version: "TLSv1.2" | "TLSv1.3";
  readonly cipherSuites: readonly string[];
  readonly groups: readonly string[];
  readonly signatureAlgorithms: readonly string[];
}

/** A job of an engine trial. Chain, key, CA bundle and revocation lists follow it as PEM. */
interface TrialJob {
  readonly kind: "trial";
}

export type ReaderJob =
  | {
      readonly kind: "certificate";
      /** Chain, key, passphrase. */
      readonly has: { readonly key: boolean; readonly passphrase: boolean };
      readonly places: CertificatePlaces;
    }
  | {
      readonly kind: "import";
      /** Passphrase, pending key and intermediates come first. Each is empty if there is none. Then come the files. */
      readonly names: readonly string[];
      readonly hasPassphrase: boolean;
      readonly options: ImportOptions;
    }
  | {
      readonly kind: "trust";
      /** CA bundle, revocation lists. */
      readonly has: { readonly crl: boolean };
      readonly places: TrustPlaces;
    }
  | { readonly kind: "system-trust" }
  /** One file: YAML 1.2, or JSON that a process of the director wrote. `stored` is JSON that was checked before it was stored. */
  | { readonly kind: "document"; readonly format: "yaml" | "json" | "stored" }
  /** One file: a document in which the problems are to be located. */
  | { readonly kind: "places"; readonly problems: readonly Problem[] }
  /** The JSON of a request. */
  | { readonly kind: "json" };

const SHA256 = "[0-9a-f]{64}";
const problems = Type.Array(ProblemSchema);

const certificateReply = {
  id: Type.String({ pattern: `^${SHA256}$`, description: "SHA-256 over chain and key." }),
  facts: CertificateFactsSchema,
  signing: SigningFactsSchema,
  bunRefusal: Type.Optional(text("What engine bun cannot serve, e.g. `an RSA-PSS key`.")),
  isForServers: Type.Boolean({
    description: "Whether its extended key usage allows TLS servers.",
  }),
  chain: ChainFactsSchema,
  warnings: problems,
};

/** The reply to each kind of job that succeeds. */
export const ReplySchemas = {
  certificate: shape(
    certificateReply,
    "A certificate. Two parts follow: the chain and the key, as PEM.",
  ),
  import: shape(
    {
      ...certificateReply,
      notes: Type.Array(
        shape(
          { kind: oneOf(IMPORT_NOTES, "What it is about."), message: text("A sentence.") },
          "What was done with a part of the files.",
        ),
      ),
    },
    "A certificate that was imported. Two parts follow: the chain and the key, as PEM.",
  ),
  trust: shape(
    {
      id: Type.String({ pattern: `^${SHA256}$`, description: "SHA-256 over both parts." }),
      validity: shape(
        {
          authorities: Type.Array(
            shape(
              {
                notBeforeMs: Type.Number({ description: "Milliseconds since the epoch." }),
                notAfterMs: Type.Number({ description: "Milliseconds since the epoch." }),
              },
              "The validity period of a CA certificate.",
            ),
          ),
          lists: Type.Array(
            shape(
              {
                issuer: text("Distinguished name of the issuer."),
                thisUpdateMs: Type.Number({ description: "Milliseconds since the epoch." }),
                nextUpdateMs: Type.Optional(
                  Type.Number({ description: "Milliseconds since the epoch." }),
                ),
              },
              "When a revocation list is due to be replaced.",
            ),
          ),
        },
        "Until when the trust can be used.",
      ),
      unrootedCa: Type.Optional(text("The subject of a CA that leads to no root of the bundle.")),
      warnings: problems,
    },
    "A trust. Two parts follow as PEM: the CA bundle, and its CRLs, which are empty if there are none.",
  ),
  "system-trust": shape(
    {
      id: Type.String({
        pattern: `^(${SHA256})?$`,
        description: "SHA-256 over the part; empty if the system has no CA.",
      }),
    },
    "The CAs of the system. One part follows: all of them, as PEM.",
  ),
  document: shape(
    {
      isValid: Type.Boolean({ description: "Whether no problem is an error." }),
      problems,
    },
    "A document. Two parts follow: its JSON, or that of its draft if a problem is an error; and its JSON without defaults, which is empty then.",
  ),
  places: shape(
    { problems },
    "The problems of the job, with the lines and columns of the document.",
  ),
  json: shape(
    {
      isEmpty: Type.Boolean({ description: "Whether there is nothing but white space." }),
    },
    "JSON that was checked. One part follows: the same value, without white space.",
  ),
  trial: shape(
    {
      refusal: Type.Optional(text("The error code of the engine; absent if it accepts the parts.")),
    },
    "What the engine of the workers makes of a certificate or a trust.",
  ),
  proof: shape(
    {
      shown: Type.Array(
        Type.Union([
          shape(
            {
              fingerprint: Type.String({
                pattern: `^${SHA256}$`,
                description: "SHA-256 of the DER of the certificate.",
              }),
              serial: Type.String({
                maxLength: MAX_PROOF_SERIAL,
                pattern: "^-?[0-9A-F]*$",
                description: "Its serial, hex. The rest of a longer one is left out.",
              }),
            },
            "The certificate that was shown.",
          ),
          shape({ failure: Type.String({ maxLength: 200 }) }, "Why none was shown."),
        ]),
        { description: "The results of the handshakes, in their order." },
      ),
    },
    "What workers have shown.",
  ),
} as const satisfies Readonly<Record<Job["kind"], TSchema>>;

export type Replies = {
  readonly [Kind in Job["kind"]]: ShapeOf<(typeof ReplySchemas)[Kind]>;
};

export const RefusedSchema = shape(
  { refused: Type.Array(ProblemSchema, { minItems: 1 }) },
  "What is wrong with a file. The first problem is the reason for the refusal.",
);
export const UnreadableSchema = shape(
  {
    unreadable: text("Why it cannot be parsed."),
    line: Type.Optional(count("The line at which it cannot be parsed, from 1.")),
    column: Type.Optional(count("The column of the line, from 1.")),
  },
  "A text that is neither YAML nor JSON.",
);
export const FaultSchema = shape(
  { fault: text("The stack of the exception.") },
  "An exception that nobody expected, which is a mistake of the program.",
);

/** How a job ended. */
export type Outcome<Kind extends Job["kind"] = Job["kind"]> =
  | { readonly reply: Replies[Kind] }
  | ShapeOf<typeof RefusedSchema>
  | ShapeOf<typeof UnreadableSchema>
  | ShapeOf<typeof FaultSchema>;
