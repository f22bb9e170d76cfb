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

export const NO_VERSIONS: CertificateRecord = { nextVersion: 1, versions: [] };

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
