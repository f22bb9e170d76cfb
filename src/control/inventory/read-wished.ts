import { DirectorError } from "#model/failure.ts";
import { pathOf } from "#model/problem.ts";
import {
  importCertificate,
  type ImportedCertificate,
} from "../certificates/import/import-certificate.ts";
import type { Sources } from "../certificates/sources.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { refusalOf } from "./certificate-refusal.ts";
import type { WishedFiles } from "./certificate-wishes.ts";
import type { Inventory } from "./inventory.ts";
import { pendingOf, type VersionRecord } from "./version-record.ts";

/** All intermediates are sent to the reader process with each import. */
const MAX_INTERMEDIATES_LENGTH = 1024 * 1024;
const NEXT_CERTIFICATE = "-----BEGIN CERTIFICATE-----";

export interface WishedParts {
  readonly inventory: Inventory;
  readonly certificates: { readonly inForce: { readonly sources: Sources } | undefined };
  readonly reader: MaterialReader;
}

/**
 * Has a reader process read the files of a version. A request that is pending gives the key, and the chains in force complete the
 * chain. Rejects with DirectorError.
 */
export async function readWished(
  name: string,
  { files, passphrase, keepsRoot }: WishedFiles,
  { inventory, certificates, reader }: WishedParts,
): Promise<ImportedCertificate> {
  await inventory.load();
  const pending = pendingOf(inventory.record(name));
  try {
    return await importCertificate(
      {
        ...{ files, passphrase, keepsRoot },
        pendingKeyPem: pending && (await openPending(name, pending, inventory)),
        intermediatesPem: intermediatesOf(certificates.inForce?.sources),
        place: pathOf("certificates", name),
        allowsNotYetValid: true,
        nowMs: Date.now(),
      },
      reader,
    );
  } catch (error) {
    throw refusalOf(name, error);
  }
}

/** The files may have a key of their own, so a damaged key is only missing if they have none. */
async function openPending(
  name: string,
  pending: VersionRecord,
  inventory: Inventory,
): Promise<string | undefined> {
  try {
    return await inventory.openKey(name, pending);
  } catch (error) {
    if (error instanceof DirectorError && error.code === "sealed-key-damaged") return undefined;
    throw error;
  }
}

/** Returns each certificate that follows the first of a chain in force, once. */
function intermediatesOf(sources: Sources | undefined): string {
  const found = new Set<string>();
  let length = 0;
  for (const { material } of sources?.certificates.values() ?? []) {
    const second = material.chainPem.indexOf(NEXT_CERTIFICATE, 1);
    if (second === -1) continue;
    const rest = material.chainPem.slice(second);
    if (found.has(rest) || length + rest.length > MAX_INTERMEDIATES_LENGTH) continue;
    found.add(rest);
    length += rest.length;
  }
  return [...found].join("");
}
