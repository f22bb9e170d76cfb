/** What a reader process is asked, and what it answers. All of it is JSON; files and PEM go beside it as bytes. */
import type { CertificateFacts, SigningFacts } from "#model/document/certificate.ts";
import type { Problem } from "#model/failure.ts";
import type { CertificatePlaces } from "../certificates/parse-certificate.ts";
import type { TrustPlaces } from "../certificates/parse-trust.ts";

/** The contents of its files go beside it, in the order that is given here; one that is not there is empty. */
export type Job =
  | {
      readonly kind: "certificate";
      /** Chain, key, passphrase. */
      readonly has: { readonly key: boolean; readonly passphrase: boolean };
      readonly places: CertificatePlaces;
      readonly nowMs: number;
    }
  | {
      readonly kind: "trust";
      /** CA bundle, revocation lists. */
      readonly has: { readonly crl: boolean };
      readonly places: TrustPlaces;
      readonly nowMs: number;
    }
  | { readonly kind: "system-trust" }
  /** One file: YAML 1.2 or JSON. */
  | { readonly kind: "document" };

/** Chain and key beside it, as PEM. */
export interface CertificateReply {
  readonly id: string;
  readonly facts: CertificateFacts;
  readonly signing: SigningFacts;
  /** Why engine bun cannot serve it. */
  readonly bunRefusal?: string;
  readonly isForServers: boolean;
  readonly warnings: readonly Problem[];
}

/** CA bundle and revocation lists beside it, as PEM; the second is empty if there are none. */
export interface TrustReply {
  readonly id: string;
  readonly unrootedCa?: string;
  readonly warnings: readonly Problem[];
}

/** The PEM of every CA of the system beside it. */
export interface SystemTrustReply {
  /** "" if it has none. */
  readonly id: string;
}

/** JSON of the document beside it; of its draft where a problem is an error. */
export interface DocumentReply {
  readonly isValid: boolean;
  readonly problems: readonly Problem[];
}

export interface Replies {
  readonly certificate: CertificateReply;
  readonly trust: TrustReply;
  readonly "system-trust": SystemTrustReply;
  readonly document: DocumentReply;
}

/** `refused` says what is wrong with a file, `unreadable` why one is no document; `fault` is the stack of an exception that is a mistake of the program. */
export type Outcome =
  | { readonly reply: Replies[keyof Replies] }
  | { readonly refused: readonly Problem[] }
  | { readonly unreadable: string }
  | { readonly fault: string };
