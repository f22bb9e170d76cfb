/** Decides which files of a folder belong to which certificate, by their names alone. */
import {
  CERTIFICATE_NAME_PATTERN,
  certificateNameFaultOf,
} from "#model/document/certificate-name.ts";
import type { Problem } from "#model/failure.ts";
import { pathOf, problemOf, quoted } from "#model/problem.ts";

/** What is found in a folder and below. Links are followed. */
export interface FolderEntry {
  /** Relative to the folder, with `/` between its parts. */
  readonly path: string;
  /** `hidden` and `seen` are folders that are not listed: their names begin with a dot, or links lead to them a second time. */
  readonly kind: "file" | "hidden" | "seen" | "other";
}

/** A line of the report: a certificate with its files, and why it cannot be imported if that is known already. */
export interface PlannedCertificate {
  readonly name: string;
  /** Relative paths. The chain first, then the key. */
  readonly files: readonly string[];
  readonly problem?: Problem;
}

export interface FolderPlan {
  /** Sorted by name. */
  readonly certificates: readonly PlannedCertificate[];
  /** The files that belong to no certificate, and why. */
  readonly unused: readonly { readonly path: string; readonly reason: string }[];
}

/** A key, a certificate that may have its chain and its key with it, intermediates alone, or PKCS #12. */
type Role = "key" | "certificate" | "fullchain" | "chain" | "store";

interface Found {
  readonly path: string;
  readonly folder: string;
  /** The name without what tells the role. Empty for a file such as `privkey.pem`. */
  readonly stem: string;
  readonly role: Role;
}

/** The endings that tell a role, the longest first. A dot stands for the dots, hyphens and underscores before a role. */
const ENDINGS: readonly (readonly [ending: RegExp, role: Role])[] = [
  [/\.(?:p12|pfx)$/i, "store"],
  [/(?:^|[._-])(?:privkey|private[._-]?key|private|key)(?:\.pem|\.key|\.der)?$/i, "key"],
  [/(?:^|[._-])(?:fullchain)(?:\.(?:pem|crt|cer|cert))?$/i, "fullchain"],
  [
    // `.ca` is the domain of Canada.
    /(?:(?:^|[._-])(?:chain|issuer|ca[._-]?bundle|intermediates?)|(?:^|[_-])ca)(?:\.(?:pem|crt|cer|cert))?$/i,
    "chain",
  ],
  [/(?:(?:^|[._-])(?:cert|certificate))?\.(?:pem|crt|cer|cert|der)$/i, "certificate"],
];
/** HAProxy keeps the certificates of a name by the types of their keys: shop.pem.rsa. */
const KEY_TYPE_ENDING = /\.(?:pem|crt)\.(rsa|ecdsa)$/i;
/** What the files of one certificate in a folder of its own are called. The folder has the name. */
const GENERIC_STEMS: readonly string[] = ["", "tls", "server"];
/** The folders of certbot beside `live`, which has links to the current files. */
const CERTBOT_FOLDERS = /(?:^|\/)(?:archive|accounts|csr|keys|renewal(?:-hooks)?)\//;
const CERTBOT_LIVE = /(?:^|\/)live\//;

/**
 * Returns which files of a folder belong together. `folderName` is the name of the folder. It becomes the name of a certificate if the
 * names of the files do not give one.
 */
export function planFolder(entries: readonly FolderEntry[], folderName: string): FolderPlan {
  const sorted = entries.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  const isCertbot = sorted.some(({ path }) => CERTBOT_LIVE.test(path));
  const unused: { path: string; reason: string }[] = [];
  const found: Found[] = [];
  for (const { path, kind } of sorted) {
    const file = tryFound(path);
    const isOld = isCertbot && CERTBOT_FOLDERS.test(path);
    if (kind === "hidden") unused.push({ path, reason: "its name begins with a dot" });
    else if (kind === "seen") unused.push({ path, reason: "it is a folder that is read already" });
    else if (isOld) unused.push({ path, reason: "certbot links to the current files from `live`" });
    else if (file === undefined)
      unused.push({ path, reason: "its name is not that of a certificate or key" });
    else if (kind === "other") unused.push({ path, reason: "it is not a regular file" });
    else found.push(file);
  }
  const groups = [...Map.groupBy(found, ({ folder }) => folder).values()].flatMap(groupsOf);
  const named = withNames(groups, folderName);
  for (const { path } of named.flatMap(({ group, files }) =>
    group.length > 0 && files.length === 0 ? group : [],
  )) {
    unused.push({ path, reason: "no certificate belongs to these intermediates" });
  }
  const used = named.filter(({ files }) => files.length > 0);
  const byName = Map.groupBy(used, ({ name }) => name);
  const certificates = used.map((one) => planned(one, byName.get(one.name) ?? []));
  return { certificates: certificates.toSorted(inOrder), unused };
}

const inOrder = (one: PlannedCertificate, other: PlannedCertificate): number =>
  one.name < other.name ? -1 : one.name > other.name ? 1 : 0;

function tryFound(path: string): Found | undefined {
  const cut = path.lastIndexOf("/") + 1;
  const folder = path.slice(0, Math.max(0, cut - 1));
  const file = path.slice(cut);
  if (file.startsWith(".")) return undefined;
  const keyType = KEY_TYPE_ENDING.exec(file);
  if (keyType !== null) {
    const stem = `${file.slice(0, keyType.index)}.${keyType[1]}`;
    return { path, folder, stem, role: "certificate" };
  }
  for (const [ending, role] of ENDINGS) {
    const match = ending.exec(file);
    if (match === null) continue;
    const rest = file.slice(0, match.index);
    // shop.pem.key belongs to shop.pem.
    const stem = role === "key" ? rest.replace(/\.(?:pem|crt|cer|cert)$/i, "") : rest;
    return { path, folder, stem, role };
  }
  return undefined;
}

/** Files of one folder with the same stem belong together. */
function groupsOf(files: readonly Found[]): readonly (readonly Found[])[] {
  const byStem = Map.groupBy(files, ({ stem }) => stem.toLowerCase());
  const nameless = byStem.get("") ?? [];
  const groups = [...byStem.values()].filter((group) => group !== nameless);
  const whole = groups.filter(hasCertificate);
  const [only] = whole;
  // In a folder with one certificate, the files without a name, and a key with another one, belong to it.
  if (only !== undefined && whole.length === 1) {
    const keys = groups.filter((group) => group.every(({ role }) => role === "key"));
    const lone = keys.length === 1 && !hasKey(only) ? keys[0] : undefined;
    const rest = groups.filter((group) => group !== only && group !== lone);
    return [[...only, ...(lone ?? []), ...nameless], ...rest];
  }
  return nameless.length === 0 ? groups : [...groups, nameless];
}

const hasCertificate = (group: readonly Found[]): boolean =>
  group.some(({ role }) => role === "certificate" || role === "fullchain" || role === "store");

const hasKey = (group: readonly Found[]): boolean =>
  group.some(({ role }) => role === "key" || role === "store");

interface Named {
  readonly name: string;
  readonly group: readonly Found[];
  readonly files: readonly string[];
}

/** Two certificates with one name, as acme.sh writes them for keys of two types, have the names of their folders. */
function withNames(groups: readonly (readonly Found[])[], folderName: string): readonly Named[] {
  const named = groups.map((group) => {
    const [{ folder, stem } = { folder: "", stem: "" }] = group;
    const own = folder === "" ? folderName : (folder.split("/").at(-1) ?? "");
    const isGeneric = stem === "" || (folder !== "" && GENERIC_STEMS.includes(stem.toLowerCase()));
    return { name: nameOf(isGeneric ? own : stem), folderName: nameOf(own), group };
  });
  const counts = Map.groupBy(named, ({ name }) => name);
  return named.map(({ name, folderName: own, group }) => {
    const isAlone = (counts.get(name)?.length ?? 0) < 2;
    return { name: isAlone ? name : own, group, files: filesOf(group) };
  });
}

/** Caddy, lego and others write the `*` of a wildcard in other ways. */
const nameOf = (text: string): string =>
  text.toLowerCase().replace(/^(?:_wildcard|wildcard_|_)\./, "*.");

/** Returns the files that are needed: where the whole chain is in one file, its parts are not. */
function filesOf(group: readonly Found[]): readonly string[] {
  const pathsOf = (...roles: readonly Role[]): readonly string[] =>
    group.filter(({ role }) => roles.includes(role)).map(({ path }) => path);
  const stores = pathsOf("store");
  const keys = pathsOf("key");
  const whole = pathsOf("fullchain");
  if (whole.length > 0) return [...whole, ...stores, ...keys];
  const certificates = pathsOf("certificate");
  if (certificates.length + stores.length + keys.length === 0) return [];
  return [...certificates, ...pathsOf("chain"), ...stores, ...keys];
}

function planned({ name, files, group }: Named, sameNames: readonly Named[]): PlannedCertificate {
  const place = pathOf("certificates", name);
  if (!NAME.test(name)) {
    const message = certificateNameFaultOf(name);
    return { name, files, problem: problemOf("bad-certificate-name", place, message, NAME_HINT) };
  }
  const clash = sameNames.find((other) => other.group !== group);
  if (clash !== undefined) {
    const message = `${quoted(files[0])} and ${quoted(clash.files[0])} would both be ${name}.`;
    return { name, files, problem: problemOf("name-clash", place, message) };
  }
  if (hasCertificate(group)) return { name, files };
  const message = `No certificate belongs to the key ${quoted(files[0])}.`;
  return { name, files, problem: problemOf("certificate-missing", place, message) };
}

const NAME = new RegExp(CERTIFICATE_NAME_PATTERN);
const NAME_HINT = "Rename the file, or import it alone and give it a name.";
