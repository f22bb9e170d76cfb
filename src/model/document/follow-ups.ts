import type { Problem } from "../failure.ts";
import { stepTextsOf, type ProblemCode } from "../problem.ts";

/** The section of the document in which a name is looked up. */
const LOOKED_UP = new Map<string, string>([
  ["unknown-server", "servers"],
  ["unknown-profile", "profiles"],
  ["unknown-certificate", "certificates"],
  ["unknown-policy", "policies"],
] satisfies [ProblemCode, string][]);

const BAD_NAMES: readonly string[] = ["bad-name", "bad-certificate-name"] satisfies ProblemCode[];

/**
 * Returns a function that returns true for a problem that is only a consequence of `causes`: it was found in a draft, in which values
 * that do not fit are replaced, and its part of the draft cannot be judged. `meant` has the paths of the keys that misspelt keys stand
 * for.
 */
export function followUpsOf(
  causes: readonly Problem[],
  meant: readonly string[] = [],
): (problem: Problem) => boolean {
  const paths = [...causes.map(({ path }) => path), ...meant];
  const unjudged = new Set(paths.flatMap(partsOf));
  const brokenLists = new Set(paths.flatMap(listsAbove));
  const brokenSections = new Set(causes.flatMap(sectionsWithBadName));
  return ({ code, path }) => {
    const section = LOOKED_UP.get(code);
    const isLookup =
      section !== undefined && (unjudged.has(section) || brokenSections.has(section));
    return isLookup || brokenLists.has(path) || prefixesOf(path).some((part) => unjudged.has(part));
  };
}

/** The settings of a policy that are judged together. */
const POLICY_SETTINGS = ["base", "minVersion", "maxVersion", "cipherSuites", "groups"];

/**
 * Returns the paths of the parts that cannot be judged if the value at `path` is wrong. The rules of a listener depend on its mode, and
 * the files of a certificate belong together.
 */
function partsOf(path: string): readonly string[] {
  const steps = stepTextsOf(path);
  const [section, , third = ""] = steps;
  const entry = joined(steps.slice(0, 2));
  if (section === "certificates") return [entry];
  if (section === "policies" && third === "clientAuth") return [`${entry}.clientAuth`];
  if (section === "policies" && POLICY_SETTINGS.includes(third)) {
    return POLICY_SETTINGS.map((setting) => `${entry}.${setting}`);
  }
  // The name of a server is judged at its entry.
  const isServer =
    section === "profiles" && steps[4] === "server" && (steps[3] ?? "").startsWith("[");
  if (isServer) return [joined(steps.slice(0, 4))];
  const isMode = steps.at(-1) === "mode" && steps.at(-3) === "listeners";
  return [isMode ? joined(steps.slice(0, -1)) : path];
}

/** Returns the lists that the path leads through. */
function listsAbove(path: string): readonly string[] {
  const steps = stepTextsOf(path);
  return steps.flatMap((step, at) => (/^\[\d/.test(step) ? [joined(steps.slice(0, at))] : []));
}

/** A name that is not valid is not in the draft. */
function sectionsWithBadName({ code, path }: Problem): readonly string[] {
  const [section = "", ...rest] = stepTextsOf(path);
  return BAD_NAMES.includes(code) && rest.length <= 1 ? [section] : [];
}

const prefixesOf = (path: string): readonly string[] => {
  const steps = stepTextsOf(path);
  return steps.map((_, at) => joined(steps.slice(0, at + 1)));
};

const joined = (steps: readonly string[]): string =>
  steps.reduce(
    (path, step) => (path === "" || step.startsWith("[") ? path + step : `${path}.${step}`),
    "",
  );
