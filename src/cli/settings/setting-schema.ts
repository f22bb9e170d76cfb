/** The settings of each kind, as the schema of the document describes them. */
import { CertificateSchema } from "#model/document/certificate.ts";
import {
  branchesOf,
  isUnionNode,
  otherwiseOf,
  type SchemaNode,
} from "#model/document/discriminated-union.ts";
import { ListenerSchema } from "#model/document/listener.ts";
import { tryEntrySchema } from "#model/document/map-marked.ts";
import { PolicySchema } from "#model/document/policy.ts";
import { ProfileSchema } from "#model/document/profile.ts";
import { ServerSchema } from "#model/document/server.ts";
import { VnicSchema } from "#model/document/vnic.ts";
import type { NamedKind } from "#cli/named-kind.ts";

export const SETTING_SCHEMAS = {
  server: ServerSchema,
  profile: ProfileSchema,
  vnic: VnicSchema,
  listener: ListenerSchema,
  policy: PolicySchema,
  certificate: CertificateSchema,
} as Readonly<Record<NamedKind, object>> as Readonly<Record<NamedKind, SchemaNode>>;

export interface SettingDescription {
  /** Dotted, e.g. `timeouts.idle`. */
  readonly name: string;
  readonly description: string;
}

/** What is set by a command of its own, or is part of the name. */
const OTHERWISE_SET: Readonly<Partial<Record<NamedKind, readonly string[]>>> = {
  profile: ["vnics"],
  vnic: ["listeners"],
  listener: ["port"],
};

/** Returns the settings of a kind in the order of the schema. */
export function settingsOf(kind: NamedKind): readonly SettingDescription[] {
  const schema = SETTING_SCHEMAS[kind];
  return leavesOf(schema, [], formsOf(schema)).filter(
    ({ name }) => OTHERWISE_SET[kind]?.includes(name) !== true,
  );
}

/** A schema, and the mode of the listeners that it is for. */
interface Form {
  readonly mode: string | undefined;
  readonly schema: SchemaNode;
}

const formsOf = (schema: SchemaNode): readonly Form[] =>
  (isUnionNode(schema) ? branchesOf(schema) : [schema]).map((form) => ({
    mode: form.properties?.["mode"]?.const,
    schema: form,
  }));

/** `forms` are those that the schema has in the modes that support it, and `scope` says which these are. */
function leavesOf(
  schema: SchemaNode,
  keys: readonly string[],
  forms: readonly Form[],
  scope = "",
): readonly SettingDescription[] {
  return Object.entries(propertiesOf(schema)).flatMap(([key, entry]) => {
    const own = [...keys, key];
    const having = forms.flatMap(({ mode, schema: { properties = {} } }) => {
      const form = Object.hasOwn(properties, key) ? properties[key] : undefined;
      return form === undefined ? [] : [{ mode, schema: form }];
    });
    const isOfAll = having.length === 0 || having.length === forms.length;
    const only = isOfAll ? scope : ` Mode ${inWords(having.map(({ mode = "" }) => mode))} only.`;
    if (entry.properties !== undefined) return leavesOf(entry, own, having, only);
    return [{ name: own.join("."), description: `${textOf(entry)}${only}` }];
  });
}

const inWords = (modes: readonly string[]): string =>
  [modes.slice(0, -1).join(", "), ...modes.slice(-1)].filter((part) => part !== "").join(" and ");

function textOf({ description = "", default: value }: SchemaNode): string {
  if (value === undefined) return description;
  return `${description} Default: ${typeof value === "string" ? value : JSON.stringify(value)}.`;
}

const propertiesOf = (schema: SchemaNode): Readonly<Record<string, SchemaNode>> =>
  (isUnionNode(schema) ? otherwiseOf(schema) : schema).properties ?? {};

/** Returns the schema of a setting, or undefined if there is no such setting. */
export const trySettingSchema = (
  root: SchemaNode,
  keys: readonly string[],
): SchemaNode | undefined =>
  keys.reduce<SchemaNode | undefined>(
    (schema, key) =>
      schema && tryEntrySchema(isUnionNode(schema) ? otherwiseOf(schema) : schema, key),
    root,
  );
