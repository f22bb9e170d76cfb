/** The entry of a certificate in the inventory, as it is stored. */
import Type from "typebox";
import { Check } from "typebox/value";
import { DirectorError } from "#model/failure.ts";
import {
  CertificateVersionSchema,
  type CertificateVersionShape,
} from "#model/records/certificate-version.ts";
import { shape, text, texts, type ShapeOf } from "#model/shape.ts";
import { SealedKeySchema, type KeyIdentity, type SealedKey } from "../sealing/seal-key.ts";

const VersionRecordSchema = shape(
  {
    ...CertificateVersionSchema.properties,
    spki: text("SHA-256 of the public key, base64."),
    allowed: Type.Optional(
      texts("The codes of the problems with which it may become active by itself."),
    ),
    material: Type.Optional(text("SHA-256 over chain and key. Absent for a request.")),
    sealedKey: Type.Optional(SealedKeySchema),
  },
  "A version with what is not shown.",
);
export type VersionRecord = ShapeOf<typeof VersionRecordSchema>;

const CertificateRecordSchema = shape(
  {
    nextVersion: Type.Integer({ minimum: 1, description: "The number of the next version." }),
    versions: Type.Array(VersionRecordSchema, { description: "In the order of their numbers." }),
  },
  "What is kept of a certificate. It stays when the last version has gone, so that no number is used twice.",
);
export type CertificateRecord = ShapeOf<typeof CertificateRecordSchema>;

/** Throws `state-damaged`. */
export function parseRecord(name: string, json: string): CertificateRecord {
  try {
    const value: unknown = JSON.parse(json);
    if (Check(CertificateRecordSchema, value)) return value;
  } catch {
    // It is damaged all the same.
  }
  throw new DirectorError("state-damaged", `The versions of certificate ${name} are not in order.`);
}

export const activeOf = ({ versions }: CertificateRecord): VersionRecord | undefined =>
  versions.find(({ state }) => state === "active");

/** Whether the watch of files brought the version. */
export const isOfFiles = ({ by }: Pick<VersionRecord, "by">): boolean =>
  by.origin === "certificate-watcher";

export const pendingOf = ({ versions }: CertificateRecord): VersionRecord | undefined =>
  versions.find(({ state }) => state === "pending");

export const identityOf = (
  name: string,
  { id, spki }: Pick<VersionRecord, "id" | "spki">,
): KeyIdentity => ({ kind: "tls", name, version: id, spkiSha256: spki });

export const dataKeysOf = ({ versions }: CertificateRecord): readonly string[] =>
  versions.flatMap(({ sealedKey }) => (sealedKey === undefined ? [] : [sealedKey.dataKey]));

export function shownVersionOf(record: VersionRecord): CertificateVersionShape {
  const { spki: _, material: __, sealedKey: ___, allowed: ____, ...shown } = record;
  return shown;
}

/** What is asked for often of a record. */
export interface RecordSummary {
  /** The number of the active version. */
  readonly active: string | undefined;
  /** The versions that become active by themselves. */
  readonly waiting: readonly { readonly version: string; readonly notBeforeMs: number }[];
  readonly hasStaged: boolean;
  /** What is kept of files. Undefined if the active version did not come from files. */
  readonly ofFiles: FilesSummary | undefined;
}

export interface FilesSummary {
  /** The files in words. */
  readonly files: string;
  /** The material of the active version. */
  readonly material: string | undefined;
  /** The material of the version that waits to become active. */
  readonly staged: string | undefined;
  readonly hasKey: boolean;
}

/**
 * Returns the summary of the JSON of a record. It is not checked, because there may be ten thousand at a start. A damaged entry has
 * nothing, and its use reports why.
 */
export function summaryOf(json: string): RecordSummary {
  try {
    const { versions } = JSON.parse(json) as CertificateRecord;
    const active = versions.find(({ state }) => state === "active");
    const staged = versions.find((one) => one.state === "staged" && isOfFiles(one));
    return {
      active: active?.id,
      // A version with its key in a file is activated by the watch of files.
      waiting: versions.flatMap(({ id, activatesItself, sealedKey, facts }) =>
        activatesItself === true && sealedKey !== undefined && facts !== undefined
          ? [{ version: id, notBeforeMs: facts.notBeforeMs }]
          : [],
      ),
      hasStaged: versions.some(({ state }) => state === "staged"),
      ofFiles:
        active !== undefined && isOfFiles(active)
          ? {
              files: active.from,
              material: active.material,
              staged: staged?.material,
              hasKey: active.sealedKey !== undefined,
            }
          : undefined,
    };
  } catch {
    return { active: undefined, waiting: [], hasStaged: false, ofFiles: undefined };
  }
}

/** Returns the record with sealed keys in the versions that are new. */
export const withSealedKeys = (
  record: CertificateRecord,
  sealed: ReadonlyMap<string, SealedKey>,
): CertificateRecord => ({
  ...record,
  versions: record.versions.map((version) => {
    const sealedKey = sealed.get(version.id);
    return sealedKey === undefined ? version : { ...version, sealedKey };
  }),
});
