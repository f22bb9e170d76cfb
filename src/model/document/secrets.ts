/** Secrets of the document are shown as fingerprints. A fingerprint that is sent back stands for the secret. */
import type { TSchema } from "typebox";
import { branchesOf, isUnionNode, otherwiseOf, type SchemaNode } from "./discriminated-union.ts";
import { isListenerList, tryPart, type Keys } from "./document-tree.ts";
import { markedTextsOf } from "./document-parts.ts";
import type { Document } from "./document.ts";
import type { Problem } from "../failure.ts";
import type { Json, JsonMap } from "../json.ts";
import { innerSchemasOf, mapMarked, tryEntrySchema, type MarkedValue } from "./map-marked.ts";
import { markOf } from "./marks.ts";
import type { PathChange } from "./path-change.ts";
import { pathOf, problemOf } from "../problem.ts";
import type { WrittenDocument } from "./written-document.ts";

/** Returns the fingerprint of a secret. It has the form of `isFingerprint` and depends on nothing but the secret and a key. */
export type FingerprintOf = (secret: string) => string;

const FINGERPRINT = /^secret:[a-z0-9-]{1,32}:[A-Za-z0-9_-]{16,64}$/;

export const isFingerprint = (value: unknown): value is string =>
  typeof value === "string" && FINGERPRINT.test(value);

const UNOPENED = /^secret:(?<reason>locked|damaged):[A-Za-z0-9_-]{43}$/;

/** Why a secret of the store cannot be opened: the master key is not there, or the secret is damaged. */
export type UnopenedReason = "locked" | "damaged";

/**
 * Returns what stands for a secret of the store that cannot be opened. It has the form of a fingerprint, so that no operator can have it
 * as a secret. `hash` identifies the sealed secret.
 */
export const unopenedSecretOf = (reason: UnopenedReason, hash: string): string =>
  `secret:${reason}:${hash}`;

/** Returns undefined for every other secret. */
export const tryUnopenedReason = (secret: string): UnopenedReason | undefined =>
  UNOPENED.exec(secret)?.groups?.["reason"] as UnopenedReason | undefined;

export const isUnopenedSecret = (value: unknown): value is string =>
  typeof value === "string" && UNOPENED.test(value);

/**
 * Returns a copy of a value in which every secret is replaced by its fingerprint. The value need not fit the schema. Fingerprints
 * in it stay as they are.
 */
export const redact = (
  schema: TSchema,
  value: unknown,
  fingerprintOf: FingerprintOf,
  keys: Keys = [],
): unknown => mapMarked(schema, value, (marked) => redactedOf(marked, fingerprintOf), keys);

function redactedOf({ mark, value }: MarkedValue, fingerprintOf: FingerprintOf): unknown {
  if (mark !== "secret" || value === undefined || value === null || isFingerprint(value)) {
    return value;
  }
  return fingerprintOf(typeof value === "string" ? value : JSON.stringify(value));
}

/** Does the same for the values of changes. `schema` is that of the whole document. */
export const redactChanges = (
  schema: TSchema,
  changes: readonly PathChange[],
  fingerprintOf: FingerprintOf,
): readonly PathChange[] =>
  changes.map(({ path, before, after }) => {
    const redacted = (value: Json): Json =>
      schemasAt(schema, path).reduce<unknown>(
        (rest, part) => redact(part, rest, fingerprintOf, path),
        value,
      ) as Json;
    return {
      path,
      ...(before === undefined ? {} : { before: redacted(before) }),
      ...(after === undefined ? {} : { after: redacted(after) }),
    };
  });

/** Returns the schemas that a part of the document can have. There are several if they depend on a value outside of the part. */
export const schemasAt = (schema: SchemaNode, keys: Keys): readonly SchemaNode[] =>
  keys.reduce<readonly SchemaNode[]>(
    (schemas, key, at) =>
      schemas.flatMap(alternativesOf).flatMap((one) => {
        const inner = isListenerList(keys.slice(0, at)) ? one.items : tryEntrySchema(one, key);
        return inner === undefined ? [] : [inner];
      }),
    [schema],
  );

const alternativesOf = (schema: SchemaNode): readonly SchemaNode[] =>
  isUnionNode(schema) ? [...branchesOf(schema), otherwiseOf(schema)] : [schema];

export interface RestoredSecrets {
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

/**
 * Returns a document or a patch that was sent, in which each fingerprint is replaced by the secret at the same place of the
 * document in force. A fingerprint of anything else is a problem.
 */
export function restoreSecrets(
  schema: TSchema,
  sent: unknown,
  current: WrittenDocument,
  fingerprintOf: FingerprintOf,
): RestoredSecrets {
  const problems: Problem[] = [];
  const value = mapMarked(schema, sent, (marked) => {
    if (marked.mark !== "secret" || !isFingerprint(marked.value)) return marked.value;
    const secret = tryPart(current as JsonMap, marked.keys);
    if (typeof secret === "string" && shownOf(secret, fingerprintOf) === marked.value)
      return secret;
    const message = "This is not the fingerprint of the secret that the document has here.";
    problems.push(problemOf("unknown-fingerprint", pathOf(...marked.steps), message));
    return marked.value;
  });
  return { value, problems };
}

const shownOf = (secret: string, fingerprintOf: FingerprintOf): string =>
  isFingerprint(secret) ? secret : fingerprintOf(secret);

/** Whether a value that fits the schema can have a secret in it. */
export const mayHaveSecret = (schema: SchemaNode): boolean =>
  markOf(schema) === "secret" || innerSchemasOf(schema).some(mayHaveSecret);

/** Refuses fingerprints in place of secrets. `restoreSecrets` has replaced those that it knows. */
export const checkSecrets = (document: Document): readonly Problem[] =>
  fingerprintProblems(document, (text) => !isUnopenedSecret(text));

/** Refuses what stands for unopened secrets in a document that does not come from the store. */
export const checkUnopened = (document: Document): readonly Problem[] =>
  fingerprintProblems(document, isUnopenedSecret);

const fingerprintProblems = (
  document: Document,
  isWanted: (text: string) => boolean,
): readonly Problem[] =>
  markedTextsOf(document)
    .filter(({ mark, text }) => mark === "secret" && isFingerprint(text) && isWanted(text))
    .map(({ steps }) => {
      const message = "This is the fingerprint of a secret, and not the secret.";
      return problemOf("unknown-fingerprint", pathOf(...steps), message);
    });
