import { generateKeyPairSync } from "node:crypto";
import {
  alternativeNames,
  der,
  distinguishedName,
  extension,
  generalNames,
  sequence,
} from "./der.ts";
import { issueOddCertificate, type KeyPair, type OddFields } from "./odd-certificate.ts";

/** A name with a key, which can be certified by any other, also by several. */
export interface Entity {
  readonly name: string;
  readonly keys: KeyPair;
  readonly keyPem: string;
}

export const newEntity = (name: string): Entity =>
  entityOf(name, generateKeyPairSync("ec", { namedCurve: "P-256" }));

export const entityOf = (name: string, keys: KeyPair): Entity => ({
  name,
  keys,
  keyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
});

const basicConstraints = extension("2.5.29.19", true, sequence(der(0x01, Buffer.of(0xff))));
let serial = 0;

/** Returns a certificate (PEM) of the subject that the issuer has signed. The names are for a server; without them it is a CA. */
export function certify(
  subject: Entity,
  issuer: Entity,
  { names, ...fields }: OddFields & { readonly names?: readonly string[] } = {},
): string {
  serial += 1;
  const extensions =
    names === undefined ? [basicConstraints] : [alternativeNames(...names.map(generalNames.dns))];
  return issueOddCertificate({
    serial: Buffer.of(0x4f, serial >> 8, serial & 0xff),
    subject: distinguishedName({ type: "CN", value: subject.name }),
    issuer: distinguishedName({ type: "CN", value: issuer.name }),
    keys: subject.keys,
    signer: issuer.keys.privateKey,
    extensions,
    ...fields,
  }).chainPem;
}
