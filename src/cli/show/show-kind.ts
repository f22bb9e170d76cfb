/** The kinds of `tlsd show`. */
export const SHOW_KINDS = [
  "status",
  "workers",
  "vnics",
  "listeners",
  "certificates",
  "profiles",
  "policies",
  "document",
  "history",
  "revision",
  "handshakes",
] as const;
export type ShowKind = (typeof SHOW_KINDS)[number];

/** How one kind is requested, filtered by name and printed. */
export interface ShowView<Reply> {
  readonly path: (limit: number, name: string | undefined) => string;
  /** Returns the part of the reply with that name, or undefined if there is none. Absent if the kind has no names. */
  readonly named?: (reply: Reply, name: string, limit: number) => Reply | undefined;
  /** Returns what is shown of a reply that has another shape. */
  readonly of?: (reply: unknown) => Reply;
  readonly text: (reply: Reply, nowMs: number) => string;
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
  return onlyNamed(elements, (element) => isLike(nameOf(element), wanted));
}

/** `pattern` has at least one `*`. */
function isLike(name: string, pattern: string): boolean {
  const [start = "", ...parts] = pattern.split("*");
  const end = parts.pop() ?? "";
  if (!name.startsWith(start)) return false;
  let at = start.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.endsWith(end) && name.length - end.length >= at;
}

/** Returns the elements that match, or undefined if none does. */
export function onlyNamed<Element>(
  elements: readonly Element[],
  hasName: (element: Element) => boolean,
): readonly Element[] | undefined {
  const found = elements.filter(hasName);
  return found.length === 0 ? undefined : found;
}
