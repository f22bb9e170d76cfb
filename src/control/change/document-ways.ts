import { resolve } from "node:path";
import type { DirectorSettings } from "#model/document/document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import type { CertificateStore } from "../certificates/certificate-store.ts";
import type { CandidateVersion, DocumentInForce } from "../certificates/source-entry.ts";
import {
  checkFile,
  checkValue,
  checkWanted,
  type CheckedDocument,
  type CheckParts,
} from "../check-file.ts";
import { checkVersions } from "../check-versions.ts";
import type { Notices } from "../notice.ts";
import type { DocumentStore } from "../state/document-store.ts";
import { DocumentFile } from "./document-file.ts";
import { buildWants, type WantParts, type Wants } from "./wants.ts";

export interface DocumentWays {
  readonly file: DocumentFile;
  readonly wants: Wants;
  readonly checkWanted: WantParts["checkWanted"];
  /** Checks versions that take the place of others in the document in force. */
  readonly checkVersions: (
    written: WrittenDocument,
    inForce: DocumentInForce,
    candidates: ReadonlyMap<string, CandidateVersion>,
  ) => Promise<CheckedDocument>;
  /** Checks a document of the store, or the empty document, for a start. */
  readonly checkStored: (document: WrittenDocument) => Promise<CheckedDocument>;
}

export interface WayParts {
  /** Absolute path of the file. Undefined if the director serves the document of its store. */
  readonly configPath: string | undefined;
  /** The settings of the start. */
  readonly settings: DirectorSettings;
  /** The folder to which relative paths are relative. */
  readonly folder: string;
  readonly store: DocumentStore;
  readonly certificates: CertificateStore;
  readonly notices: Notices;
  readonly checkParts: CheckParts;
}

/** Builds the ways by which a document comes into force: from the file, from the store and from an operator. */
export function buildDocumentWays(parts: WayParts): DocumentWays {
  const { configPath, settings, folder, store, certificates, notices, checkParts } = parts;
  const file: DocumentFile = new DocumentFile({
    path: configPath,
    folders: settings.paths?.map((path) => resolve(folder, path)) ?? [folder],
    notices,
    read: (path, inForce) => checkFile(path, { kind: "change", inForce }, checkParts),
    check: (written, ofFile, inForce) => {
      const director = ofFile.document?.director ?? settings;
      const purpose = { kind: "change", inForce, foldersOf: file.foldersOf } as const;
      return checkValue({ ...written, director }, folder, purpose, checkParts);
    },
  });
  const checkAsWanted: WantParts["checkWanted"] = (document, before, inForce, terms) => {
    const { isNew, candidates } = terms;
    const limits = { foldersOf: file.foldersOf, limitsEndpoints: isNew };
    const versions = candidates === undefined ? {} : { candidates };
    const purpose = { kind: "change", inForce, before, ...limits, ...versions } as const;
    return checkWanted(document, { settings, folder }, purpose, checkParts);
  };
  const wants = buildWants({ file, store, certificates, checkWanted: checkAsWanted });
  const checkStored = (stored: WrittenDocument): Promise<CheckedDocument> => {
    const purpose = { kind: "start", foldersOf: file.foldersOf } as const;
    return checkValue({ ...stored, director: settings }, folder, purpose, checkParts);
  };
  const checkCandidates: DocumentWays["checkVersions"] = (written, inForce, candidates) => {
    const { reader, engineOf } = checkParts;
    const trial = engineOf(inForce.document.director)?.trial;
    return checkVersions({ written, folder }, inForce, candidates, { reader, trial });
  };
  return {
    ...{ file, wants, checkWanted: checkAsWanted, checkVersions: checkCandidates, checkStored },
  };
}
