import type { ResourceKind } from "#model/document/resources.ts";
import { quoted } from "#model/problem.ts";
import { UsageError } from "./usage-error.ts";

/** The kinds that commands add, set and remove, by the word that the operator uses. */
export const NAMED_KINDS = {
  server: "servers",
  profile: "profiles",
  vnic: "vnics",
  listener: "listeners",
  policy: "policies",
  certificate: "certificates",
} as const satisfies Readonly<Record<string, ResourceKind>>;
export type NamedKind = keyof typeof NAMED_KINDS;

/** The admin states that `tlsd set` takes as words, by kind. */
export const ADMIN_STATES: Readonly<Partial<Record<NamedKind, readonly string[]>>> = {
  vnic: ["up", "down"],
  server: ["up", "drain", "down"],
};

const MAX_PORT = 65_535;

/** The form of the names that have several parts. */
const FORMS: Readonly<
  Partial<Record<NamedKind, { readonly text: string; readonly form: RegExp }>>
> = {
  vnic: {
    text: "The name of a vNIC is <vnic>.<profile>, such as front.shop",
    form: /^[^.:]+\.[^.:]+$/,
  },
  listener: {
    text: "The name of a listener is <vnic>.<profile>:<port>, such as front.shop:443",
    form: /^[^.:]+\.[^.:]+:(?<port>[1-9]\d{0,4})$/,
  },
};

/** Throws UsageError if parts of the name are missing. The director checks the parts themselves. */
export function checkName(kind: NamedKind, name: string): void {
  const wanted = FORMS[kind];
  if (wanted === undefined) return;
  const found = wanted.form.exec(name);
  if (found !== null && Number(found.groups?.["port"] ?? 1) <= MAX_PORT) return;
  throw new UsageError(`${wanted.text}. ${quoted(name)} has another form.`);
}

export const pathOfNamed = (kind: NamedKind, name: string): string =>
  `/v1/${NAMED_KINDS[kind]}/${encodeURIComponent(name)}`;
