import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import {
  readImport,
  type ImportInput,
  type ReadImport,
} from "#control/certificates/import/read-import.ts";
import { parsePem } from "#control/certificates/pem-blocks.ts";
import { SourceProblem } from "#control/certificates/source-problem.ts";
import { PROBLEMS } from "#model/problem.ts";
import { certify, newEntity } from "./certify.ts";

export const root = newEntity("root");
export const middle = newEntity("middle");
export const low = newEntity("low");
export const shop = newEntity("shop.example");
export const stranger = newEntity("stranger");

export const rootPem = certify(root, root);
export const middlePem = certify(middle, root);
export const lowPem = certify(low, middle);
export const leafPem = certify(shop, low, { names: ["shop.example", "*.shop.example"] });
export const strangerPem = certify(stranger, root);
export const keyPem = shop.keyPem;

export const readShop = (
  contents: readonly (string | Uint8Array)[],
  options: Partial<ImportInput> = {},
): Promise<ReadImport> =>
  readImport({
    files: contents.map((content, at) => ({ name: `${at + 1}.pem`, bytes: Buffer.from(content) })),
    passphrase: undefined,
    pendingKeyPem: undefined,
    intermediatesPem: "",
    place: "certificates.shop",
    keepsRoot: false,
    allowsNotYetValid: false,
    nowMs: Date.now(),
    ...options,
  });

const fingerprintsOf = (...pems: readonly string[]): readonly string[] =>
  pems.flatMap((pem) =>
    parsePem(pem).blocks.map((block) => new X509Certificate(block.pem).fingerprint256),
  );

/** The chain is these certificates, and the key is that of the shop. */
export function assertChain(found: ReadImport, ...pems: readonly string[]): void {
  assert.deepEqual(fingerprintsOf(found.version.material.chainPem), fingerprintsOf(...pems));
  assert.equal(found.version.material.keyPem, keyPem);
}

export const notesOf = (found: ReadImport): readonly string[] =>
  found.notes.map(({ kind }) => kind);

export async function problemOf(
  contents: readonly (string | Uint8Array)[],
  options: Partial<ImportInput> = {},
): Promise<string> {
  try {
    await readShop(contents, options);
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    const { code, path, message, hint, severity } = error.problem;
    assert.ok(Object.hasOwn(PROBLEMS, code), code);
    assert.equal(path, "certificates.shop");
    assert.equal(severity, "error");
    assert.ok(hint.length > 10, `${code} has a hint`);
    assert.ok(!`${message}${hint}`.includes("-----BEGIN"));
    return `${code}: ${message} ${hint}`;
  }
  throw new Error("The files were accepted.");
}
