import { entry, type FailureEntry } from "./failure-entry.ts";

/** The failures of certificates that the director keeps, by code. */
export const CERTIFICATE_FAILURES = {
  "certificate-refused": entry(
    "operator",
    422,
    "The certificate cannot be used, so nothing was changed.",
    "Correct what the problems name. `tlsd rotate certificate --help` lists what may be allowed.",
  ),
  "import-incomplete": entry(
    "operator",
    422,
    "Not every certificate was imported.",
    "The lines above say why. Run the command again when it is corrected; what is imported already is refused then and stays.",
  ),
  "files-source": entry(
    "operator",
    409,
    "The versions of this certificate come from files.",
    "Write the new certificate and key to these files, and the director uses them. `tlsd import certificate NAME --replace-files` keeps it in the inventory from then on.",
  ),
  "version-in-use": entry(
    "operator",
    409,
    "The version is active, so it stays.",
    "Make another version active first.",
  ),
  "no-version": entry(
    "operator",
    404,
    "There is no such version of the certificate.",
    "`tlsd show certificate NAME` lists the versions that are kept.",
  ),
} as const satisfies Readonly<Record<string, FailureEntry>>;
