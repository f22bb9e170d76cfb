import { checkJsonText } from "#model/document/check-json-text.ts";
import { tryDidYouMean } from "#model/document/closest-name.ts";
import type { SchemaNode } from "#model/document/discriminated-union.ts";
import { absolutePathsIn } from "#model/document/document-paths.ts";
import type { Keys } from "#model/document/document-tree.ts";
import { markOf } from "#model/document/marks.ts";
import type { Json, JsonMap } from "#model/json.ts";
import { quoted } from "#model/problem.ts";
import type { NamedKind } from "#cli/named-kind.ts";
import { UsageError } from "#cli/usage-error.ts";
import { SETTING_SCHEMAS, settingsOf, trySettingSchema } from "./setting-schema.ts";

export interface ParseParts {
  /** The folder of relative paths. */
  readonly folder: string;
  /** Reads standard input, of which the first line is a secret. */
  readonly readInput: () => Promise<Uint8Array>;
}

/** What is added to a list and what is taken from it. */
export interface ListEdit {
  readonly keys: Keys;
  readonly isRemoval: boolean;
  readonly items: readonly Json[];
  /** The list if it is not set. Undefined if its default depends on other settings. */
  readonly unset: readonly Json[] | undefined;
  /** The key that names an item that is a map. A text is that name alone. Undefined if the items have no names. */
  readonly shortKey: string | undefined;
}

export interface ParsedSettings {
  /** A merge patch (RFC 7396). null removes a setting, which then has its default. */
  readonly patch: JsonMap;
  readonly edits: readonly ListEdit[];
}

const SETTING = /^([^=]*?)([+-]?)=(.*)$/s;

/**
 * Parses arguments such as `timeouts.idle=60s`, `clientAuth.mode=` and `servers+=web-3`. The schema gives each value its type. A
 * list is separated by commas, and lists and maps can be JSON. Rejects with UsageError.
 */
export async function parseSettings(
  kind: NamedKind,
  texts: readonly string[],
  { folder, readInput }: ParseParts,
): Promise<ParsedSettings> {
  const root = SETTING_SCHEMAS[kind];
  const patch: Tree = new Map();
  const edits: ListEdit[] = [];
  for (const text of texts) {
    const [, name = "", operator, given = ""] = SETTING.exec(text) ?? [];
    if (operator === undefined) throw new UsageError(`${quoted(text)} is not SETTING=VALUE.`);
    const keys = name.split(".");
    const schema = trySettingSchema(root, keys);
    if (schema === undefined) throw unknown(kind, name);
    const isSecret = markOf(schema) === "secret" && given === "-";
    const value = isSecret ? secretOf(await readInput(), name) : given;
    if (operator !== "") {
      if (schema.items === undefined) throw new UsageError(`${name} is not a list.`);
      const unset = Array.isArray(schema.default) ? (schema.default as readonly Json[]) : undefined;
      const items = listOf(schema, value, name);
      const { shortKey } = schema.items;
      edits.push({ keys, isRemoval: operator === "-", items, unset, shortKey });
    } else plant(patch, keys, value === "" ? null : valueOf(schema, value, name), name);
  }
  return {
    patch: absolutePathsIn(root, mapOf(patch), folder) as JsonMap,
    edits,
  };
}

/** An empty secret would remove the setting. That is more likely a failed command before the pipe. */
function secretOf(bytes: Uint8Array, name: string): string {
  const [secret = ""] = textOf(bytes).split(/\r?\n/);
  if (secret !== "") return secret;
  throw new UsageError(
    `The first line of standard input is empty. Remove the secret with \`${name}=\`.`,
  );
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError("Standard input is not UTF-8 text.", { cause });
  }
}

function unknown(kind: NamedKind, name: string): UsageError {
  const names = settingsOf(kind).map((setting) => setting.name);
  const hint = tryDidYouMean(name, names) ?? `Settings are: ${names.join(", ")}.`;
  return new UsageError(`A ${kind} has no setting ${quoted(name)}. ${hint}`);
}

function valueOf(schema: SchemaNode, text: string, name: string): Json {
  if (schema.items !== undefined) return listOf(schema, text, name);
  if (schema.shortKey !== undefined && !text.startsWith("{")) return text;
  if (schema.properties !== undefined || schema.patternProperties !== undefined) {
    if (text.startsWith("{")) return jsonOf(text, name);
    const inner = Object.keys(schema.properties ?? {}).map((key) => `${name}.${key}`);
    const which = inner.length === 0 ? "Write" : `Set ${inner.join(", ")}, or write`;
    throw new UsageError(`${name} is a map. ${which} it as JSON.`);
  }
  const types = (schema.anyOf ?? [schema]).map(({ type }) => type);
  const isNumber = types.some((type) => type === "integer" || type === "number");
  if (isNumber && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (isNumber && types.length === 1)
    throw new UsageError(`${name} is a number, not ${quoted(text)}.`);
  if (types.includes("boolean")) {
    if (text === "true" || text === "false") return text === "true";
    throw new UsageError(`${name} is true or false, not ${quoted(text)}.`);
  }
  return text;
}

function listOf({ items = {} }: SchemaNode, text: string, name: string): readonly Json[] {
  if (/^[[{]/.test(text)) {
    const value = jsonOf(text, name);
    return Array.isArray(value) ? (value as readonly Json[]) : [value];
  }
  return text.split(",").map((item) => valueOf(items, item.trim(), name));
}

function jsonOf(text: string, name: string): Json {
  const problem = checkJsonText(text);
  if (problem !== undefined) throw new UsageError(`${name}: ${problem.message}`);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${name} is not JSON. ${reason}`, { cause: error });
  }
}

/** Maps under construction. A name such as `__proto__` is an ordinary key of a Map. */
type Tree = Map<string, Json | Tree>;

function plant(tree: Tree, [key = "", ...rest]: Keys, value: Json, name: string): void {
  const known = tree.get(key);
  if (rest.length === 0) {
    if (known !== undefined) throw new UsageError(`${name} is given twice.`);
    tree.set(key, value);
    return;
  }
  const inner: unknown = known ?? new Map();
  if (!(inner instanceof Map)) throw new UsageError(`${name} is given twice.`);
  tree.set(key, inner as Tree);
  plant(inner as Tree, rest, value, name);
}

const mapOf = (tree: Tree): JsonMap =>
  Object.fromEntries(
    [...tree].map(([key, value]) => [key, value instanceof Map ? mapOf(value) : value]),
  );
