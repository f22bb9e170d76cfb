/** What would give a secret away, and every text of a director in which it might stand. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Director } from "./director.ts";
import { descendantsOf } from "./process-facts.ts";

/** So many bytes of a secret number are not found by chance, and lines of 64 characters break few runs of them. */
const RUN_BYTES = 12;
const MAX_RUNS = 4;
const SECRET_NUMBERS = ["d", "p", "q", "dp", "dq", "qi"] as const;

/** The lines of the PEM of a private key, and runs of its secret numbers in every notation. */
export function keyTraces(keyPem: string): readonly string[] {
  const lines = keyPem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  // The first line of an EC key is the same for all, as it says of which kind it is.
  const distinct = lines.slice(1).filter((line) => line.length > 20);
  const jwk = createPrivateKey(keyPem).export({ format: "jwk" });
  const numbers = SECRET_NUMBERS.flatMap((name) => {
    const text = jwk[name];
    return typeof text === "string" ? runsOf(Buffer.from(text, "base64url")) : [];
  });
  return ["PRIVATE KEY-----", ...distinct, ...numbers.flatMap(notationsOf)];
}

/** A secret text, such as a passphrase or the text of a master key, in every notation. It must be long enough not to occur by chance. */
export function textTraces(secret: string): readonly string[] {
  assert.ok(secret.length >= RUN_BYTES, "the secret is too short to be searched for");
  return [secret, encodeURIComponent(secret), ...notationsOf(Buffer.from(secret))];
}

/** Asserts that no text has one of the traces. The failure says where, and does not show the trace. */
export function assertNoTraces(
  texts: ReadonlyMap<string, string>,
  traces: readonly string[],
): void {
  assert.ok(texts.size > 12, `only ${texts.size} texts`);
  assert.ok(traces.length > 0);
  for (const [source, text] of texts) {
    const at = traces.findIndex((trace) => text.includes(trace));
    assert.equal(at, -1, `${source} shows a part of a secret (trace ${at})`);
  }
}

/** The runs do not overlap. If a number is long, only the first ones are searched for. */
function runsOf(bytes: Buffer): readonly Buffer[] {
  const count = Math.min(Math.floor(bytes.length / RUN_BYTES), MAX_RUNS);
  return Array.from({ length: count }, (_, at) =>
    bytes.subarray(at * RUN_BYTES, (at + 1) * RUN_BYTES),
  );
}

function notationsOf(bytes: Buffer): readonly string[] {
  const hex = bytes.toString("hex");
  const pairs = hex.match(/../g) ?? [];
  return [
    ...[0, 1, 2].flatMap((before) => base64After(bytes, before)),
    ...[hex, hex.toUpperCase(), pairs.join(" "), pairs.join(":"), pairs.join(":").toUpperCase()],
    ...[bytes.toString("latin1"), bytes.join(","), bytes.join(", ")],
  ];
}

/** The characters that are the same whatever stands before and behind the bytes, if `before` bytes are left over before them. */
function base64After(bytes: Buffer, before: number): readonly string[] {
  const padded = Buffer.concat([Buffer.alloc(before), bytes]);
  const [from, to] = [Math.ceil((before * 4) / 3), Math.floor((padded.length * 4) / 3)];
  return (["base64", "base64url"] as const).map((name) => padded.toString(name).slice(from, to));
}

const commands = [
  ...["certificates", "handshakes", "status", "listeners", "history", "workers", "vnics"].map(
    (kind) => ["show", kind, "--json"],
  ),
  ...[["export"], ["doctor", "--json"]],
];

export interface OtherPlaces {
  /** Folders for temporary files and the like. */
  readonly folders?: readonly string[];
  /** Outputs and replies that the test has. */
  readonly texts?: ReadonlyMap<string, string>;
}

/**
 * Everything that a director lets out, by where it stands: log, the replies to every request that needs no argument (metrics,
 * history and backup among them), errors, commands, every file of its data folder, and what the system shows of its processes.
 */
export async function textsOf(
  director: Director,
  { folders = [], texts: others = new Map<string, string>() }: OtherPlaces = {},
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>(others);
  texts.set("log", director.logs.map((line) => JSON.stringify(line)).join("\n"));
  const revisions = await revisionPaths(director);
  for (const path of [...(await readablePaths(director)), ...revisions, "/v1/nothing"]) {
    const { headers, body } = await director.api(path);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    texts.set(path, `${JSON.stringify(headers)}\n${text}`);
  }
  for (const command of commands) {
    const { stdout, stderr } = await director.cli(...command);
    texts.set(`tlsd ${command.join(" ")}`, stdout + stderr);
  }
  for (const folder of [director.dataDir, ...folders]) addFiles(texts, folder);
  for (const pid of processesOf(director)) {
    for (const file of ["cmdline", "environ"]) {
      texts.set(`/proc/${pid}/${file}`, readFileSync(`/proc/${pid}/${file}`, "latin1"));
    }
    addRemovedFiles(texts, pid);
  }
  return texts;
}

/** Asserts that a crash of any process of the director leaves no core dump, which would have its keys. */
export function assertNoCoreDumps(director: Director): void {
  const pids = processesOf(director);
  assert.ok(pids.length > 1);
  for (const pid of pids) {
    const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
    assert.match(limits, /^Max core file size +0 /m, `process ${pid}`);
  }
}

const processesOf = (director: Director): readonly number[] => [
  director.pid,
  ...descendantsOf(director.pid).map(({ pid }) => pid),
];

/** Adds the files that a process has open and that have no name any more, such as temporary ones. */
function addRemovedFiles(texts: Map<string, string>, pid: number): void {
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    const path = `/proc/${pid}/fd/${descriptor}`;
    const isRemoved = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    if (!isRemoved || !readlinkSync(path).endsWith(" (deleted)")) continue;
    texts.set(path, readFileSync(path, "latin1"));
  }
}

/** The paths of all requests that the director describes and that have no parameters in their path. */
async function readablePaths(director: Director): Promise<readonly string[]> {
  const { body } = await director.api("/openapi.json");
  const { paths } = body as { readonly paths: Readonly<Record<string, object>> };
  const readable = Object.entries(paths).filter(
    ([path, methods]) => "get" in methods && !path.includes("{"),
  );
  assert.ok(readable.some(([path]) => path === "/v1/backup"));
  return readable.map(([path]) => path);
}

/** The paths of the newest revisions and of their documents. */
async function revisionPaths(director: Director): Promise<readonly string[]> {
  const { body } = await director.api("/v1/history");
  const paths = (body as readonly { readonly revision: number }[]).map(
    ({ revision }) => `/v1/history/${revision}`,
  );
  assert.ok(paths.length > 0);
  return paths.flatMap((path) => [path, `${path}/document`]);
}

function addFiles(texts: Map<string, string>, folder: string): void {
  if (!existsSync(folder)) return;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    texts.set(path, readFileSync(path, "latin1"));
  }
}
