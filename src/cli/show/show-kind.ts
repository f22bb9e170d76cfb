/** The kinds of `tlsd show`. */
export const SHOW_KINDS = [
  "status",
  "workers",
  "vnics",
  "listeners",
  "certificates",
  "handshakes",
] as const;
export type ShowKind = (typeof SHOW_KINDS)[number];

/** How one kind is requested, filtered by name and printed. */
export interface ShowView<Reply> {
  readonly path: (limit: number, name: string | undefined) => string;
  /** Returns the part of the reply with that name, or undefined if there is none. Absent if the kind has no names. */
  readonly named?: (reply: Reply, name: string, limit: number) => Reply | undefined;
  readonly text: (reply: Reply, nowMs: number) => string;
}

/** Returns the elements that match, or undefined if none does. */
export function onlyNamed<Element>(
  elements: readonly Element[],
  hasName: (element: Element) => boolean,
): readonly Element[] | undefined {
  const found = elements.filter(hasName);
  return found.length === 0 ? undefined : found;
}
