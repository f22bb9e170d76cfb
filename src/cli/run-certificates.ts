/** The commands that import, rotate and roll back certificates. */
import { resolve } from "node:path";
import { escapeControls } from "#model/escape-controls.ts";
import { DirectorError } from "#model/failure.ts";
import type { CertificateVersionShape } from "#model/records/certificate-version.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { getFromAdmin } from "./admin-client.ts";
import type {
  CertificateRequestRequest,
  FileOptions,
  ImportFolderRequest,
  ImportRequest,
  RollbackRequest,
  RotateRequest,
} from "./commands/certificates.ts";
import type { RemoveVersionRequest } from "./commands/edit-resources.ts";
import { planFolder } from "./import/plan-folder.ts";
import { listFolder, readImportFile, type SentFile } from "./import/read-import-file.ts";
import {
  askPassphrase,
  readPassphraseFile,
  type PassphraseParts,
} from "./import/read-passphrase.ts";
import { jsonText } from "./json-text.ts";
import { printChange } from "./print-change.ts";
import { sendChange, type ChangeContext } from "./send-change.ts";
import { UsageError } from "./usage-error.ts";

export interface CertificateRunParts extends PassphraseParts {
  readonly context: ChangeContext;
  /** The folder of relative paths. */
  readonly folder: string;
}

/** What a request has of the files of one certificate. */
interface SentMaterial {
  readonly files: readonly SentFile[];
  readonly passphrase?: string;
  readonly keepRoot?: true;
}

const pathOf = (name: string, action = ""): string =>
  `/v1/certificates/${encodeURIComponent(name)}${action}`;

export async function runImport(request: ImportRequest, parts: CertificateRunParts): Promise<void> {
  const { name, replaceFiles } = request;
  const material = await materialOf(request, await passphraseOf(request, parts), parts);
  if (material === undefined) throw new UsageError("Name the files with --chain or --pkcs12.");
  const more = replaceFiles === true ? { replaceFiles } : {};
  const reply = await sendWithPassphrase(material, name, parts, (sent) =>
    sendChange(parts.context, request, {
      ...{ method: "POST", path: pathOf(name), body: { ...sent, ...more }, condition: {} },
    }),
  );
  printChange(parts.context.terminal, reply, request.isJson);
}

export async function runRotate(request: RotateRequest, parts: CertificateRunParts): Promise<void> {
  const { names, to, stage, allowFewerNames, allowOtherKeyType, allowWeakerKey } = request;
  if (names.length > 1 && to !== undefined) {
    throw new UsageError("--to is for one certificate.");
  }
  const terms = {
    ...{ stage, allowFewerNames, allowOtherKeyType, allowWeakerKey },
    version: to,
  };
  // Standard input can be read once.
  const given = await passphraseOf(request, parts);
  const own = await Promise.all(
    names.map(async (name, at) => {
      const material = await materialOf(optionsAt(request, names.length, at), given, parts);
      return { name, ...material, ...terms };
    }),
  );
  const [first] = own;
  const ask = (passphrase: { readonly passphrase?: string }): Promise<ChangeReply> => {
    const [only, another] = own;
    if (only !== undefined && another === undefined) {
      const { name, ...body } = { ...only, ...passphrase };
      const path = pathOf(name, "/rotate");
      return sendChange(parts.context, request, { method: "POST", path, body, condition: {} });
    }
    const body = { certificates: own.map((one) => ({ ...one, ...passphrase })) };
    const question = { method: "POST", path: "/v1/rotations", body, condition: {} } as const;
    return sendChange(parts.context, request, question);
  };
  const reply =
    first?.files === undefined
      ? await ask({})
      : await sendWithPassphrase(
          { ...first, files: first.files },
          names.join(", "),
          parts,
          ({ passphrase }) => ask(passphrase === undefined ? {} : { passphrase }),
        );
  printChange(parts.context.terminal, reply, request.isJson);
}

export async function runRollback(
  request: RollbackRequest,
  { context }: CertificateRunParts,
): Promise<void> {
  const { name, to, force } = request;
  const version = to === undefined ? {} : { version: to };
  const body = { ...version, ...(force === true ? { force } : {}) };
  const path = pathOf(name, "/rollback");
  const question = { method: "POST", path, body, condition: {} } as const;
  printChange(context.terminal, await sendChange(context, request, question), request.isJson);
}

export async function runRemoveVersion(
  request: RemoveVersionRequest,
  { context }: CertificateRunParts,
): Promise<void> {
  const path = pathOf(request.name, `/versions/${request.version}`);
  const question = { method: "DELETE", path, condition: {} } as const;
  printChange(context.terminal, await sendChange(context, request, question), request.isJson);
}

/** Prints the request alone, so that it can be written into a file. */
export async function runRequest(
  request: CertificateRequestRequest,
  { context }: CertificateRunParts,
): Promise<void> {
  const { name, names, keyType, socketPath, isJson, isDryRun } = request;
  const body = { names, keyType };
  const path = pathOf(name, "/requests");
  const question = { method: "POST", path, body, condition: {} } as const;
  const reply = await sendChange(context, request, question);
  if (isDryRun) return printChange(context.terminal, reply, isJson);
  const versions = (await getFromAdmin(
    socketPath,
    pathOf(name, "/versions"),
  )) as readonly CertificateVersionShape[];
  const made = versions.find(({ id }) => id === reply.versions[0]?.version);
  if (isJson) return context.terminal.out(jsonText(made));
  context.terminal.out(made?.request ?? "");
}

/** Imports the certificates of a folder one after the other, or all in one change. */
export async function runImportFolder(
  request: ImportFolderRequest,
  parts: CertificateRunParts,
): Promise<void> {
  const { terminal } = parts.context;
  if (request.atomic !== true && request.ifRevision !== undefined) {
    throw new UsageError("--if-revision needs --atomic: each certificate is a change of its own.");
  }
  const root = resolve(parts.folder, request.folder);
  const plan = planFolder(await listFolder(root), root.slice(root.lastIndexOf("/") + 1));
  for (const { path, reason } of plan.unused) {
    terminal.err(`${escapeControls(`${path} is not used: ${reason}`)}.\n`);
  }
  const failed = plan.certificates.filter(({ problem }) => problem !== undefined);
  if (plan.certificates.length === 0) {
    throw new DirectorError("import-incomplete", `${request.folder} holds no certificate.`);
  }
  const line = (name: string, text: string): void =>
    terminal.out(
      request.isJson
        ? `${JSON.stringify({ name, text })}\n`
        : `${escapeControls(`${name}: ${text}`)}\n`,
    );
  for (const { name, problem } of failed) line(name, problem?.message ?? "");
  const passphrase = await passphraseOf(request, parts);
  const more = {
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(request.keepRoot === true ? { keepRoot: true } : {}),
    ...(request.replaceFiles === true ? { replaceFiles: true } : {}),
  };
  const wanted = plan.certificates.filter(({ problem }) => problem === undefined);
  const bodyOf = async (files: readonly string[]) => ({
    files: await Promise.all(files.map((file) => readImportFile(resolve(root, file)))),
    ...more,
  });
  if (request.atomic === true) {
    const certificates = [];
    for (const { name, files } of wanted) {
      try {
        certificates.push({ name, ...(await bodyOf(files)) });
      } catch (error) {
        if (!(error instanceof DirectorError) || !isOfOne(error)) throw error;
        line(name, reasonOf(error));
      }
    }
    if (certificates.length < plan.certificates.length) {
      throw new DirectorError("import-incomplete", "Nothing was imported, because of --atomic.");
    }
    const question = { method: "POST", path: "/v1/imports", condition: {} } as const;
    const reply = await sendChange(parts.context, request, { ...question, body: { certificates } });
    return printChange(terminal, reply, request.isJson);
  }
  let refused = failed.length;
  for (const { name, files } of wanted) {
    try {
      const body = await bodyOf(files);
      const question = { method: "POST", path: pathOf(name), body, condition: {} } as const;
      const { versions } = await sendChange(parts.context, request, question);
      const made = request.isDryRun ? "would be imported" : "imported";
      line(name, `${made} as version ${versions[0]?.version ?? "?"}`);
    } catch (error) {
      if (!(error instanceof DirectorError) || !isOfOne(error)) throw error;
      refused += 1;
      line(name, `not imported. ${reasonOf(error)}`);
    }
  }
  if (refused > 0) {
    const detail = `${refused} of ${plan.certificates.length} were not imported.`;
    throw new DirectorError("import-incomplete", detail);
  }
}

/** A failure to read a file says why only in its problem. */
const reasonOf = ({ message, detail, problems = [] }: DirectorError): string =>
  detail === undefined ? (problems[0]?.message ?? message) : message;

/** Returns false for failures that the next certificate would meet too. */
const isOfOne = ({ code }: DirectorError): boolean =>
  ["certificate-refused", "already-exists", "files-source", "document-invalid"].includes(code);

/** Returns the options of one of several certificates, which have their files in the same order. */
function optionsAt(options: FileOptions, count: number, at: number): FileOptions {
  if (count === 1) return options;
  const one = (paths: readonly string[] | undefined): readonly string[] | undefined => {
    if (paths !== undefined && paths.length !== count) {
      throw new UsageError(`${count} certificates need ${count} files for each option, in order.`);
    }
    return paths?.slice(at, at + 1);
  };
  const [chain, key, pkcs12] = [one(options.chain), one(options.key), one(options.pkcs12)];
  const { keepRoot } = options;
  return {
    ...(chain === undefined ? {} : { chain }),
    ...(key === undefined ? {} : { key }),
    ...(pkcs12 === undefined ? {} : { pkcs12 }),
    ...(keepRoot === undefined ? {} : { keepRoot }),
  };
}

/** Returns undefined if no file is named. */
async function materialOf(
  options: FileOptions,
  passphrase: string | undefined,
  parts: CertificateRunParts,
): Promise<SentMaterial | undefined> {
  const { chain = [], key = [], pkcs12 = [], keepRoot } = options;
  const paths = [...new Set([...chain, ...key, ...pkcs12])];
  if (paths.length === 0) return undefined;
  const files = await Promise.all(paths.map((path) => readImportFile(resolve(parts.folder, path))));
  return {
    files,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(keepRoot === true ? { keepRoot } : {}),
  };
}

const passphraseOf = async (
  { passphraseFile }: Pick<FileOptions, "passphraseFile">,
  parts: CertificateRunParts,
): Promise<string | undefined> =>
  passphraseFile === undefined ? undefined : readPassphraseFile(passphraseFile, parts);

/** Sends a request, and once more with a passphrase from the terminal if the key is encrypted and none was given. */
async function sendWithPassphrase(
  material: SentMaterial,
  name: string,
  parts: CertificateRunParts,
  send: (material: SentMaterial) => Promise<ChangeReply>,
): Promise<ChangeReply> {
  try {
    return await send(material);
  } catch (error) {
    const isEncrypted =
      error instanceof DirectorError &&
      error.problems?.some(({ code }) => code === "key-encrypted") === true;
    if (!isEncrypted || parts.askSecret === undefined) throw error;
    const passphrase = await askPassphrase(`Passphrase for ${name}: `, parts);
    return send({ ...material, passphrase });
  }
}
