import { InvalidArgumentError, Option, type Command } from "commander";
import { REQUEST_KEY_TYPES, type RequestKeyType } from "#model/tls/request-keys.ts";
import { addChangeOptions, changeTermsOf, type ChangeTerms } from "./change-options.ts";
import { withExamples } from "./command-options.ts";

/** The files of a certificate, and how they are read. */
export interface FileOptions {
  /** Files with the certificate and its chain, in any order. */
  readonly chain?: readonly string[];
  readonly key?: readonly string[];
  readonly pkcs12?: readonly string[];
  readonly passphraseFile?: string;
  readonly keepRoot?: true;
}

export interface ImportRequest extends ChangeTerms, FileOptions {
  readonly name: string;
  readonly replaceFiles?: true;
}

export interface ImportFolderRequest extends ChangeTerms {
  readonly folder: string;
  readonly atomic?: true;
  readonly passphraseFile?: string;
  readonly keepRoot?: true;
  readonly replaceFiles?: true;
}

export interface RotateRequest extends ChangeTerms, FileOptions {
  readonly names: readonly string[];
  readonly to?: string;
  readonly stage?: true;
  readonly allowFewerNames?: true;
  readonly allowOtherKeyType?: true;
  readonly allowWeakerKey?: true;
}

export interface RollbackRequest extends ChangeTerms {
  readonly name: string;
  readonly to?: string;
  readonly force?: true;
}

export interface CertificateRequestRequest extends ChangeTerms {
  readonly name: string;
  readonly names: readonly string[];
  readonly keyType: RequestKeyType;
}

export interface CertificateRuns {
  readonly importCertificate: (request: ImportRequest) => Promise<void>;
  readonly importFolder: (request: ImportFolderRequest) => Promise<void>;
  readonly rotate: (request: RotateRequest) => Promise<void>;
  readonly rollback: (request: RollbackRequest) => Promise<void>;
  readonly requestCertificate: (request: CertificateRequestRequest) => Promise<void>;
}

const NAME = "name of the certificate";

/** Adds `tlsd import|rotate|rollback|request certificate`. */
export function addCertificateCommands(program: Command, runs: CertificateRuns): void {
  const group = (verb: string, description: string): Command =>
    program.command(verb).helpCommand(false).description(description);
  addImports(group("import", "import certificates, which the director then keeps"), runs);
  addRotate(group("rotate", "make another version of a certificate active"), runs.rotate);
  addRollback(group("rollback", "make an earlier version of a certificate active"), runs.rollback);
  addRequest(group("request", "make a key and a request for a CA"), runs.requestCertificate);
}

function addImports(group: Command, runs: CertificateRuns): void {
  const command = group
    .command("certificate")
    .description("import a certificate with its chain and key; the key is kept sealed")
    .argument("<name>", NAME);
  addReplaceFiles(addFileOptions(command));
  addChangeOptions(command).action(async (name: string) => {
    await runs.importCertificate({ name, ...command.opts<object>(), ...changeTermsOf(command) });
  });
  const folder = group
    .command("certificates")
    .description("import every certificate of a folder, with a line for each")
    .argument("<folder>", "the folder; what is below it is read too")
    .option("--atomic", "import all of them in one change, or none");
  addReplaceFiles(addReadOptions(folder));
  addChangeOptions(folder).action(async (path: string) => {
    await runs.importFolder({ folder: path, ...folder.opts<object>(), ...changeTermsOf(folder) });
  });
  withExamples(command, [
    "tlsd import certificate shop --chain shop.pem --key shop.key",
    "tlsd import certificate shop --pkcs12 shop.p12 --passphrase-file shop.pass",
  ]);
  withExamples(folder, ["tlsd import certificates /etc/letsencrypt/live --atomic"]);
  withExamples(group, ["tlsd import certificate shop --chain shop.pem --key shop.key"]);
}

function addRotate(group: Command, run: CertificateRuns["rotate"]): void {
  const command = group
    .command("certificate")
    .description("make a new version of certificates active, all of them in one change")
    .argument("<name...>", "names of the certificates");
  addFileOptions(command)
    .addOption(versionOption("make this version active, which is kept already"))
    .option("--stage", "only keep the version; a later rotation makes it active")
    .option("--allow-fewer-names", "the new version may lack names of the active one")
    .option("--allow-other-key-type", "the new version may have another type of key")
    .option("--allow-weaker-key", "the key of the new version may be weaker");
  addChangeOptions(command).action(async (names: readonly string[]) => {
    await run({ names, ...command.opts<object>(), ...changeTermsOf(command) });
  });
  command.addHelpText(
    "after",
    [
      "",
      "Without files, the newest staged version becomes active. A version that is not valid yet is kept, and",
      "becomes active by itself when it is. If several certificates are named, each has one chain file and",
      "one key file, in the order of the names.",
    ].join("\n"),
  );
  const examples = [
    "tlsd rotate certificate shop --chain new.pem --key new.key",
    "tlsd rotate certificate shop shop-rsa --chain ec.pem rsa.pem --key ec.key rsa.key",
    "tlsd rotate certificate shop --to 7",
  ];
  withExamples(command, examples);
  withExamples(group, examples.slice(0, 1));
}

function addRollback(group: Command, run: CertificateRuns["rollback"]): void {
  const command = group
    .command("certificate")
    .description("make the version active again that was active before")
    .argument("<name>", NAME)
    .addOption(versionOption("make this version active instead"))
    .option("--force", "use a version that has expired");
  addChangeOptions(command).action(async (name: string) => {
    await run({ name, ...command.opts<object>(), ...changeTermsOf(command) });
  });
  withExamples(command, [
    "tlsd rollback certificate shop",
    "tlsd rollback certificate shop --to 3",
  ]);
  withExamples(group, ["tlsd rollback certificate shop"]);
}

function addRequest(group: Command, run: CertificateRuns["requestCertificate"]): void {
  const command = group
    .command("certificate")
    .description("make a key, which is kept sealed, and print the request for a CA")
    .argument("<name>", NAME)
    .requiredOption(
      "--names <names...>",
      "DNS names and IP addresses; the first is the common name",
    )
    .addOption(
      new Option("--key-type <type>", "type of the key")
        .choices(REQUEST_KEY_TYPES)
        .default(REQUEST_KEY_TYPES[0]),
    );
  addChangeOptions(command).action(async (name: string) => {
    const own = command.opts<Pick<CertificateRequestRequest, "names" | "keyType">>();
    await run({ name, ...own, ...changeTermsOf(command) });
  });
  command.addHelpText(
    "after",
    "\nComplete it with `tlsd rotate certificate NAME --chain FILE` when the CA has signed it.",
  );
  const examples = [
    "tlsd request certificate shop --names shop.example www.shop.example > shop.csr",
  ];
  withExamples(command, examples);
  withExamples(group, examples);
}

const addFileOptions = (command: Command): Command =>
  addReadOptions(
    command
      .option("--chain <path...>", "files with the certificate and its chain, in any order")
      .option("--key <path...>", "file with the private key, if it is not in a file of --chain")
      .option("--pkcs12 <path...>", "PKCS #12 file with certificate, chain and key"),
  );

const addReadOptions = (command: Command): Command =>
  command
    .option(
      "--passphrase-file <path>",
      "file whose first line is the passphrase of the key; - is standard input",
    )
    .option("--keep-root", "leave a root in the files at the end of the chain");

const addReplaceFiles = (command: Command): Command =>
  command.option(
    "--replace-files",
    "keep a certificate in the inventory that the document has read from files",
  );

const versionOption = (description: string): Option =>
  new Option("--to <version>", description).argParser((text) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return text;
    throw new InvalidArgumentError("It must be the number of a version.");
  });
