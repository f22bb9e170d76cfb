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
  return leavesOf(schema, [], "").filter(
    ({ name }) => OTHERWISE_SET[kind]?.includes(name) !== true,
  );
}

function leavesOf(
  schema: SchemaNode,
  keys: readonly string[],
  scope: string,
): readonly SettingDescription[] {
  const branches = isUnionNode(schema) ? branchesOf(schema) : [schema];
  return Object.entries(propertiesOf(schema)).flatMap(([key, entry]) => {
    const own = [...keys, key];
    const having = branches.filter(({ properties = {} }) => Object.hasOwn(properties, key));
    const modes = having.map(({ properties }) => properties?.["mode"]?.const);
    const only = having.length === branches.length ? "" : ` Mode ${modes.join(" and ")} only.`;
    if (entry.properties !== undefined) return leavesOf(entry, own, scope + only);
    return [{ name: own.join("."), description: `${textOf(entry)}${scope}${only}` }];
  });
}

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
