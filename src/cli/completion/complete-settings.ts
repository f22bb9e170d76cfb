import { markOf } from "#model/document/marks.ts";
import type { SchemaNode } from "#model/document/discriminated-union.ts";
import { PRESETS } from "#model/document/policy.ts";
import { ADMIN_STATES, type NamedKind } from "#cli/named-kind.ts";
import { SETTING_SCHEMAS, settingsOf, trySettingSchema } from "#cli/settings/setting-schema.ts";
import type { Candidate, SettingsWanted } from "./complete-words.ts";

/** The settings that have names of resources as values, with the kind of these resources. */
const REFERENCES: ReadonlyMap<string, NamedKind> = new Map([
  ["servers", "server"],
  ["standby", "server"],
  ["certificates", "certificate"],
  ["endpointTls.certificate", "certificate"],
  ["policy", "policy"],
]);

const SETTING = /^([^=]*?)([+-]?=)(.*)$/s;

/** Resolves to what can stand for a word such as `timeouts.i` or `servers+=web-1,w`. `namesOf` reads the names of a kind. */
export async function completeSettings(
  { verb, settingsOf: kind }: Pick<SettingsWanted, "verb" | "settingsOf">,
  word: string,
  namesOf: (kind: NamedKind) => Promise<readonly string[]>,
): Promise<readonly Candidate[]> {
  const [, name, operator = "", value = ""] = SETTING.exec(word) ?? [];
  if (name === undefined) return settingCandidates(verb, kind);
  const schema = trySettingSchema(SETTING_SCHEMAS[kind], name.split("."));
  if (schema === undefined) return [];
  const before = schema.items === undefined ? "" : value.slice(0, value.lastIndexOf(",") + 1);
  const values = await valuesOf(kind, name, schema, namesOf);
  const taken = before.split(",");
  return values
    .filter((one) => !taken.includes(one))
    .map((one) => ({ value: `${name}${operator}${before}${one}`, description: "" }));
}

function settingCandidates(verb: string, kind: NamedKind): readonly Candidate[] {
  const settings = settingsOf(kind).flatMap(({ name, description }) => {
    const isList = trySettingSchema(SETTING_SCHEMAS[kind], name.split("."))?.items !== undefined;
    const operators = verb === "set" && isList ? ["=", "+=", "-="] : ["="];
    return operators.map((operator) => ({ value: `${name}${operator}`, description }));
  });
  if (verb !== "set") return settings;
  const states = (ADMIN_STATES[kind] ?? []).map((value) => ({
    value,
    description: "the admin state",
  }));
  return [...states, ...settings];
}

async function valuesOf(
  kind: NamedKind,
  name: string,
  schema: SchemaNode,
  namesOf: (kind: NamedKind) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const { enum: choices, type } = (schema.items ?? schema) as SchemaNode & {
    readonly enum?: readonly string[];
  };
  if (choices !== undefined) return choices;
  if (type === "boolean") return ["true", "false"];
  if (markOf(schema) === "secret") return ["-"];
  const reference = REFERENCES.get(name);
  if (reference === undefined) return [];
  const names = await namesOf(reference);
  return kind === "listener" && name === "policy" ? [...Object.keys(PRESETS), ...names] : names;
}
