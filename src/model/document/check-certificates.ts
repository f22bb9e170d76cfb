import { DocumentSchema, type Document } from "./document.ts";
import type { Problem } from "../failure.ts";
import { pathOf, problemOf } from "../problem.ts";
import { checkSecrets } from "./secrets.ts";

export const checkCertificates = (document: Document): readonly Problem[] => [
  ...checkSecrets(DocumentSchema, document),
  ...Object.entries(document.certificates).flatMap(([name, { passphrase, passphraseFile }]) => {
    if (passphrase === undefined || passphraseFile === undefined) return [];
    const place = pathOf("certificates", name, "passphrase");
    const message = "The certificate has a `passphraseFile` too.";
    return [problemOf("forbidden-key", place, message, "Remove one of the two.")];
  }),
];
