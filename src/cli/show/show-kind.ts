/** What `tlsd show` can show. */
export const SHOW_KINDS = [
  "status",
  "workers",
  "vnics",
  "listeners",
  "certificates",
  "handshakes",
] as const;
export type ShowKind = (typeof SHOW_KINDS)[number];

/** How one kind is fetched, narrowed to a name and printed. */
export interface ShowView<Reply> {
  readonly path: (limit: number, name: string | undefined) => string;
  /** What NAME leaves of the reply; undefined where there is no such thing. Absent: the kind takes no name. */
  readonly named?: (reply: Reply, name: string, limit: number) => Reply | undefined;
  readonly text: (reply: Reply, nowMs: number) => string;
}

/** The elements that have the name; undefined when none has. */
export function onlyNamed<Element>(
  elements: readonly Element[],
  hasName: (element: Element) => boolean,
): readonly Element[] | undefined {
  const found = elements.filter(hasName);
  return found.length === 0 ? undefined : found;
}
