import type { ResourceKind } from "#model/document/resources.ts";

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

export const pathOfNamed = (kind: NamedKind, name: string): string =>
  `/v1/${NAMED_KINDS[kind]}/${encodeURIComponent(name)}`;
