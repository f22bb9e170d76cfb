import { matchesPattern } from "#model/name-pattern.ts";

/** The kinds of `tlsd show`. */
export const SHOW_KINDS = [
  "status",
  "workers",
  "servers",
  "vnics",
  "listeners",
  "certificates",
  "certificate",
  "profiles",
  "policies",
  "document",
  "history",
  "revision",
  "handshakes",
  "connections",
] as const;
export type ShowKind = (typeof SHOW_KINDS)[number];

/** The filters and groupings that were given, by their name in the query of the admin API. */
export type ShowFilters = Readonly<Record<string, string>>;

/** Returns the query for NAME, which is a listener, or a vNIC for all of its listeners. `*` matches any characters. */
export const queryOfName = (name: string | undefined): ShowFilters => {
  if (name === undefined) return {};
  return name.includes(":") ? { listener: name } : { vnic: name };
};

/** How one kind is requested, filtered by name and printed. */
export interface ShowView<Reply> {
  readonly path: (limit: number, name: string | undefined, filters: ShowFilters) => string;
  /**
   * Returns the part of the reply with that name, or undefined if there is none. `*` in the name matches any characters. Absent if
   * the kind has no names.
   */
  readonly named?: (reply: Reply, name: string) => Reply | undefined;
  /** The path of another reply that is shown together with the first. */
  readonly otherPath?: string;
  /** Returns what is shown of a reply that has another shape. */
  readonly of?: (reply: unknown, other: unknown) => Reply;
  /** `width` is that of the terminal. If it is undefined, nothing is folded. */
  readonly text: (reply: Reply, nowMs: number, width: number | undefined) => string;
}

/**
 * Returns the element with the name `wanted`. If there is none, `wanted` is a pattern in which `*` matches any characters. Returns
 * undefined if nothing matches. The name is tried first because a name may itself contain a `*`.
 */
export function onlyLike<Element>(
  elements: readonly Element[],
  wanted: string,
  nameOf: (element: Element) => string,
): readonly Element[] | undefined {
  const literal = onlyNamed(elements, (element) => nameOf(element) === wanted);
  if (literal !== undefined || !wanted.includes("*")) return literal;
  return onlyNamed(elements, (element) => matchesPattern(wanted, nameOf(element)));
}

/** Returns the elements that match, or undefined if none does. */
export function onlyNamed<Element>(
  elements: readonly Element[],
  hasName: (element: Element) => boolean,
): readonly Element[] | undefined {
  const found = elements.filter(hasName);
  return found.length === 0 ? undefined : found;
}
