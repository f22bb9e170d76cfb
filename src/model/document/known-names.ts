import type { Problem } from "../failure.ts";
import { problemOf, quoted, type ProblemCode } from "../problem.ts";
import { tryDidYouMean } from "./closest-name.ts";
import { isPresetName, PRESET_NAMES } from "./policy.ts";

/** What other parts of the document refer to by name. */
type NamedKind = "servers" | "profiles" | "certificates" | "policies";
type NamedParts = Readonly<Partial<Record<NamedKind, object>>>;

const KINDS: Readonly<Record<NamedKind, readonly [noun: string, code: ProblemCode]>> = {
  servers: ["server", "unknown-server"],
  profiles: ["profile", "unknown-profile"],
  certificates: ["certificate", "unknown-certificate"],
  policies: ["policy", "unknown-policy"],
};

/**
 * At most this many names are compared for the suggestions of one document. A document can have thousands of unknown names and
 * thousands of known ones.
 */
const MAX_COMPARISONS = 100_000;

interface Suggestions {
  readonly names: readonly string[];
  comparisonsLeft: number;
}

const suggestions = new WeakMap<object, Suggestions>();

/** Returns a problem if the document has no part of that kind with the name. */
export function checkKnownName(
  document: NamedParts,
  kind: NamedKind,
  path: string,
  name: string,
): readonly Problem[] {
  const parts = document[kind] ?? {};
  if (Object.hasOwn(parts, name)) return [];
  if (kind === "policies" && isPresetName(name)) return [];
  const [, code] = KINDS[kind];
  return [problemOf(code, path, unknownText(kind, name), trySuggestion(kind, parts, name))];
}

const unknownText = (kind: NamedKind, name: string): string =>
  `There is no ${KINDS[kind][0]} ${quoted(name)}.`;

function trySuggestion(kind: NamedKind, parts: object, name: string): string | undefined {
  const presets = kind === "policies" ? PRESET_NAMES : [];
  const known = suggestions.get(parts) ?? {
    names: [...presets, ...Object.keys(parts)],
    comparisonsLeft: MAX_COMPARISONS,
  };
  suggestions.set(parts, known);
  known.comparisonsLeft -= known.names.length;
  return known.comparisonsLeft < 0 ? undefined : tryDidYouMean(name, known.names);
}

/** Says of a name that a change removes that it is in use, where the problem is that there is no such name. */
export function explainRemoved(
  problems: readonly Problem[],
  before: NamedParts,
  after: NamedParts,
): readonly Problem[] {
  const texts = new Map<string, string>();
  for (const kind of Object.keys(KINDS) as NamedKind[]) {
    const [noun] = KINDS[kind];
    for (const name of Object.keys(before[kind] ?? {})) {
      if (Object.hasOwn(after[kind] ?? {}, name)) continue;
      texts.set(
        unknownText(kind, name),
        `The ${noun} ${quoted(name)} would be removed, but is used here.`,
      );
    }
  }
  return problems.map((problem) => {
    const message = texts.get(problem.message);
    if (message === undefined) return problem;
    return { ...problem, message, hint: "Take the name out here first, or in the same change." };
  });
}
