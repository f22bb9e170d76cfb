import type { Command } from "commander";
import { addCertificateCommands, type CertificateRuns } from "./certificates.ts";
import { addBackupCommands, type BackupRuns } from "./backup.ts";
import { addDocumentCommands, type DocumentRuns } from "./edit-document.ts";
import { addResourceCommands, type ResourceRuns } from "./edit-resources.ts";
import { addIdentityCommands, type IdentityRuns } from "./move.ts";
import { addUndo, type UndoRequest } from "./undo.ts";

/** The actions of the commands that change the document, or save and restore the state. */
export interface ChangeRuns
  extends ResourceRuns, DocumentRuns, BackupRuns, IdentityRuns, CertificateRuns {
  readonly undo: (request: UndoRequest) => Promise<void>;
}

export function addChangeCommands(program: Command, runs: ChangeRuns): void {
  addResourceCommands(program, runs);
  addDocumentCommands(program, runs);
  addCertificateCommands(program, runs);
  addIdentityCommands(program, runs);
  addUndo(program, runs.undo);
  addBackupCommands(program, runs);
}
