import { resolve } from "node:path";
import type { FilesCertificate } from "#model/document/certificate.ts";
import type { MaterialId } from "#model/names.ts";
import { pathOf } from "#model/problem.ts";
import type { Replies } from "../reader/jobs.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { tryUnopenedReason } from "#model/document/secrets.ts";
import { HeldKey } from "./held-key.ts";
import { readMaterial } from "./read-material.ts";
import { sourceProblem } from "./source-problem.ts";
import { looksOf, readSource, type SourceFiles } from "./read-source.ts";
import type { ReadVersion } from "./document-sources.ts";
import type { CertificateVersion } from "./sources.ts";

/** Reads the files of a certificate and has a reader process check them. Throws SourceProblem. */
export async function readCertificate(
  name: string,
  certificate: FilesCertificate,
  files: SourceFiles,
  reader: MaterialReader,
): Promise<ReadVersion<CertificateVersion>> {
  const place = pathOf("certificates", name);
  const { chain, key, passphraseFile, passphrase } = certificate;
  const { folder } = files;
  if (passphrase !== undefined) refuseUnopened(passphrase, `${place}.passphrase`);
  const hasOwnKeyFile = key !== undefined && resolve(folder, key) !== resolve(folder, chain);
  const places = {
    chain: `${place}.chain`,
    key: key === undefined ? `${place}.chain` : `${place}.key`,
  };
  const chainSource = await readSource(files, chain, places.chain);
  const keySource = hasOwnKeyFile ? await readSource(files, key, places.key) : undefined;
  const passphraseSource =
    passphraseFile === undefined
      ? undefined
      : await readSource(files, passphraseFile, `${place}.passphraseFile`);
  const sources = [chainSource, keySource, passphraseSource];
  const passphraseBytes =
    passphrase === undefined ? passphraseSource?.bytes : Buffer.from(passphrase);
  const { reply, parts } = await readMaterial(
    reader,
    {
      kind: "certificate",
      has: { key: keySource !== undefined, passphrase: passphraseBytes !== undefined },
      places,
    },
    [chainSource.bytes, keySource?.bytes, passphraseBytes],
    place,
  );
  return { version: versionOf(reply, parts), warnings: reply.warnings, looks: looksOf(sources) };
}

function refuseUnopened(passphrase: string, place: string): void {
  const reason = tryUnopenedReason(passphrase);
  if (reason === undefined) return;
  const [code, why] =
    reason === "locked"
      ? (["master-key-wrong", "because the master key is not there"] as const)
      : (["sealed-key-damaged", "because it is damaged"] as const);
  throw sourceProblem(code, place, `The passphrase in the state cannot be opened, ${why}.`);
}

/** Returns the version that a reader process has answered with. */
export function versionOf(
  reply: Replies["certificate"],
  parts: readonly Buffer[],
): CertificateVersion {
  const [chainPem = "", keyPem = ""] = parts.map((part) => part.toString("latin1"));
  return {
    id: reply.id as MaterialId,
    material: { kind: "certificate", chainPem, key: HeldKey.clear(keyPem) },
    facts: reply.facts,
    signing: reply.signing,
    bunRefusal: reply.bunRefusal,
    isForServers: reply.isForServers,
    chain: reply.chain,
  };
}
