import type { Document } from "#model/document/document.ts";
import { tryEntry } from "#model/json.ts";

/**
 * Which open connections are cut after a change, and when. It is a term of the change and no part of the document, so an undo
 * does not repeat it.
 */
export type CutTerm = { readonly afterMs: number } & CutTarget;

export type CutTarget =
  /** The connections of a profile to servers that it does not live on any more. */
  | { readonly kind: "moved"; readonly profile: string }
  /** The connections to a server of profiles that do not live on it any more. */
  | { readonly kind: "adopted"; readonly server: string }
  /** The connections to a server that gets no new ones. */
  | { readonly kind: "drained"; readonly server: string };

/** A cut that waits for its deadline, or whose deadline has just passed. */
export interface ScheduledCut {
  readonly number: number;
  readonly target: CutTarget;
  /** The servers of a moved profile, or the profiles of an adopted server, whose connections go on. */
  readonly except: readonly string[];
  /** The servers of a moved profile, or the profiles of an adopted server, that have been left and not come back. */
  readonly left: readonly string[];
  /** Monotonic milliseconds. */
  readonly dueAtMs: number;
}

/**
 * Returns the cuts that are still wanted when `after` is in force. Each place to which a profile has come back is excepted, and a
 * cut is left out if the profile has come back everywhere or the server is up.
 */
export const stillWanted = (
  cuts: readonly ScheduledCut[],
  after: Document,
): readonly ScheduledCut[] =>
  cuts.flatMap((cut) => {
    const { target } = cut;
    if (target.kind === "drained")
      return tryEntry(after.servers, target.server)?.admin === "up" ? [] : [cut];
    const homes = homesOf(after, target);
    const left = without(cut.left, homes);
    if (cut.left.length > 0 && left.length === 0) return [];
    return [{ ...cut, left, except: union(cut.except, homes) }];
  });

/**
 * Adds a cut for a change from `before` to `after`. It takes the place of an earlier one with the same target, and of what earlier
 * cuts of other kinds say about connections that it covers.
 */
export function withCut(
  cuts: readonly ScheduledCut[],
  target: CutTarget,
  { before, after, onStandby, ...rest }: ChangedDocument & Pick<ScheduledCut, "number" | "dueAtMs">,
): readonly ScheduledCut[] {
  const key = keyOf(target);
  const earlier = cuts.find((cut) => keyOf(cut.target) === key);
  const homes = homesOf(after, target);
  const left = without(union(earlier?.left ?? [], homesOf(before, target)), homes);
  const others = cuts
    .filter((cut) => cut !== earlier)
    .map((cut) => ({ ...cut, except: union(cut.except, coveredOf(cut.target, target)) }));
  const except = union(homes, servingStandbyOf(after, target, onStandby));
  return [...others, { ...rest, target, except, left }];
}

interface ChangedDocument {
  readonly before: Document;
  readonly after: Document;
  /** The profiles that standby servers serve after the change. */
  readonly onStandby: readonly string[];
}

export const keyOf = (target: CutTarget): string =>
  `${target.kind} ${target.kind === "moved" ? target.profile : target.server}`;

export const namesOf = (
  target: CutTarget,
): { readonly profile: string } | { readonly server: string } =>
  target.kind === "moved" ? { profile: target.profile } : { server: target.server };

/** The servers that a profile lives on, or the profiles that live on a server. The server of a drain has none. */
function homesOf({ profiles }: Document, target: CutTarget): readonly string[] {
  switch (target.kind) {
    case "moved":
      return tryEntry(profiles, target.profile)?.servers.map(({ server }) => server) ?? [];
    case "adopted":
      return Object.entries(profiles)
        .filter(([, { servers }]) => servers.some(({ server }) => server === target.server))
        .map(([name]) => name);
    case "drained":
      return [];
    default:
      return target satisfies never;
  }
}

/** The standby servers that serve a moved profile. It has not left them. */
const servingStandbyOf = (
  { profiles }: Document,
  target: CutTarget,
  onStandby: readonly string[],
): readonly string[] =>
  target.kind === "moved" && onStandby.includes(target.profile)
    ? (tryEntry(profiles, target.profile)?.standby.map(({ server }) => server) ?? [])
    : [];

/** Returns what a newer cut takes over from an earlier one of another kind, because the deadline of a connection is the last that was given. */
function coveredOf(earlier: CutTarget, newer: CutTarget): readonly string[] {
  if (earlier.kind === "adopted" && newer.kind === "moved") return [newer.profile];
  if (earlier.kind === "moved" && newer.kind === "adopted") return [newer.server];
  return [];
}

const union = (one: readonly string[], other: readonly string[]): readonly string[] => [
  ...new Set([...one, ...other]),
];

const without = (names: readonly string[], taken: readonly string[]): readonly string[] =>
  names.filter((name) => !taken.includes(name));
