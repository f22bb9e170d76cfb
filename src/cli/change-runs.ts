/** The actions of the commands that change the document. Each loads what it needs when it runs. */
import type { ChangeRuns } from "./commands/change-commands.ts";
import type { RestoreRequest } from "./commands/backup.ts";
import type { ReloadRequest } from "./commands/reload.ts";
import type { EditParts } from "./run-edit.ts";
import type { RestoredState } from "./run-restore.ts";
import type { FileParts } from "./read-document-file.ts";
import type { CertificateRunParts } from "./run-certificates.ts";
import type { PassphraseParts } from "./import/read-passphrase.ts";
import type { ChangeContext } from "./send-change.ts";
import type { StandardOutput } from "./standard-output.ts";

export interface ChangeRunParts {
  readonly context: () => Promise<ChangeContext>;
  readonly file: () => Promise<FileParts>;
  readonly edit: Pick<EditParts, "openEditor" | "ask">;
  /** The same as in `file`, for commands that need no parser, because it takes long to load. */
  readonly input: Pick<FileParts, "readInput" | "folder">;
  readonly askSecret: PassphraseParts["askSecret"];
  readonly output: StandardOutput;
  readonly restore: (request: RestoreRequest) => Promise<RestoredState>;
  /** Called with the exit code of a command that has one of its own. */
  readonly exitWith: (code: number) => void;
}

export type ChangeActions = Omit<ChangeRuns, "settingsOf"> & {
  readonly reload: (request: ReloadRequest) => Promise<void>;
};

export const changeRunsOf = (parts: ChangeRunParts): ChangeActions => ({
  removeVersion: async (request) => {
    const { runRemoveVersion } = await import("./run-certificates.ts");
    await runRemoveVersion(request, await certificateParts(parts));
  },
  importCertificate: async (request) => {
    const { runImport } = await import("./run-certificates.ts");
    await runImport(request, await certificateParts(parts));
  },
  importFolder: async (request) => {
    const { runImportFolder } = await import("./run-certificates.ts");
    await runImportFolder(request, await certificateParts(parts));
  },
  rotate: async (request) => {
    const { runRotate } = await import("./run-certificates.ts");
    await runRotate(request, await certificateParts(parts));
  },
  rollback: async (request) => {
    const { runRollback } = await import("./run-certificates.ts");
    await runRollback(request, await certificateParts(parts));
  },
  requestCertificate: async (request) => {
    const { runRequest } = await import("./run-certificates.ts");
    await runRequest(request, await certificateParts(parts));
  },
  resource: async (request) => {
    const { runResource } = await import("./run-resource.ts");
    const { folder, readInput } = parts.input;
    const settingParts = { folder, readInput: () => readInput("-") };
    await runResource(request, await parts.context(), settingParts);
  },
  logLevel: async (request) => {
    const { runLogLevel } = await import("./run-log-level.ts");
    await runLogLevel(request, (await parts.context()).terminal);
  },
  masterKey: async (request) => {
    const { runMasterKey } = await import("./run-master-key.ts");
    await runMasterKey(request, (await parts.context()).terminal);
  },
  apply: async (request) => {
    const { runApply } = await import("./run-apply.ts");
    await runApply(request, await parts.context(), await parts.file());
  },
  diff: async (request) => {
    // The exit code of a failure. It is replaced when the documents have been compared.
    parts.exitWith(2);
    const { runDiff } = await import("./run-diff.ts");
    const isEqual = await runDiff(request, await parts.context(), await parts.file());
    await parts.output.flush();
    parts.exitWith(isEqual ? 0 : 1);
  },
  edit: async (request) => {
    const { runEdit } = await import("./run-edit.ts");
    const editParts = { ...parts.edit, ...(await parts.file()) };
    await runEdit(request, await parts.context(), editParts);
  },
  export: async (request) => {
    const { runExport } = await import("./run-export.ts");
    await runExport(request, (await parts.context()).terminal, await parts.file());
  },
  move: async (request) => {
    const { runMove } = await import("./run-identity.ts");
    await runMove(request, await parts.context());
  },
  adopt: async (request) => {
    const { runAdopt } = await import("./run-identity.ts");
    await runAdopt(request, await parts.context());
  },
  undo: async (request) => {
    const { runUndo } = await import("./run-undo.ts");
    await runUndo(request, await parts.context());
  },
  reload: async (request) => {
    const { runReload } = await import("./run-reload.ts");
    await runReload(request, await parts.context());
  },
  backup: async (request) => {
    const { runBackup } = await import("./run-backup.ts");
    await runBackup(request, (await parts.context()).terminal, parts.output);
  },
  restore: async (request) => {
    const { runRestore } = await import("./run-restore.ts");
    await runRestore(request, (await parts.context()).terminal, parts.restore);
  },
});

const certificateParts = async ({
  context,
  input,
  askSecret,
}: ChangeRunParts): Promise<CertificateRunParts> => ({
  ...input,
  context: await context(),
  askSecret,
});
