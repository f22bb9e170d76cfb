import { basename } from "node:path";
import type { Sources } from "./layer-rules.ts";
import { importsOf } from "./source-imports.ts";

const medianLimit = 120;
const hardLimit = 400;
/** A file with fewer lines and one importer is rarely a thought of its own. */
const smallLimit = 25;

/** Words that say nothing about what a file is for; the second kind is allowed as part of a name. */
const emptyWords = new Set([
  ...["utils", "util", "helpers", "helper", "misc", "manager", "managers", "service", "services"],
]);
const emptyNames = new Set(["common", "core"]);

const fileName = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.long|\.scaled)?(?:\.test)?\.(?:ts|mjs)$/;

function linesOf(source: string): number {
  return source.split("\n").length - 1;
}

/** What breaks the file budget or the rules for names and exports. */
export function findFileViolations(sources: Sources): readonly string[] {
  return [
    ...medianViolations(sources),
    ...[...sources].flatMap(([path, source]) => [
      ...(linesOf(source) > hardLimit
        ? [`${path}: ${linesOf(source)} lines, of ${hardLimit}`]
        : []),
      ...nameViolations(path),
      ...exportViolations(path, source),
    ]),
  ];
}

/** Small files of the program that only one other file imports. This is advice: a seam or a schema may be small. */
export function findFileAdvice(sources: Sources): readonly string[] {
  const program = [...sources].filter(
    ([path]) => path.startsWith("src/") && !path.endsWith(".test.ts"),
  );
  const importers = new Map<string, Set<string>>();
  for (const [path, source] of program) {
    for (const { target } of importsOf(path, source)) {
      importers.set(target, (importers.get(target) ?? new Set()).add(path));
    }
  }
  return program.flatMap(([path, source]) => {
    const [importer, ...others] = importers.get(path) ?? [];
    const isSmall = linesOf(source) < smallLimit && importer !== undefined && others.length === 0;
    return isSmall
      ? [
          `${path}: ${linesOf(source)} lines, imported by ${importer} only; could it be part of that?`,
        ]
      : [];
  });
}

function medianViolations(sources: Sources): readonly string[] {
  const counts = [...sources]
    .filter(([path]) => path.startsWith("src/") && !path.endsWith(".test.ts"))
    .map(([, source]) => linesOf(source))
    .toSorted((one, other) => one - other);
  const median = counts[counts.length >> 1];
  if (median === undefined) return ["src: no file was read"];
  return median > medianLimit
    ? [`src: the median file has ${median} lines, of ${medianLimit}`]
    : [];
}

function nameViolations(path: string): readonly string[] {
  const parts = path
    .split("/")
    .map((part) => part.replace(/(?:\.long|\.scaled)?(?:\.test)?\.\w+$/, ""));
  const empty = parts.find(
    (part) => emptyNames.has(part) || part.split("-").some((word) => emptyWords.has(word)),
  );
  return [
    ...(empty === undefined ? [] : [`${path}: "${empty}" says nothing`]),
    ...(fileName.test(basename(path)) ? [] : [`${path}: file names are kebab-case`]),
  ];
}

function exportViolations(path: string, source: string): readonly string[] {
  const isBarrel = basename(path).startsWith("index.") || /^export \*/m.test(source);
  const hasDefault = /^export default\b|^export \{[^}]*\bas default\b/m.test(source);
  return [
    ...(isBarrel ? [`${path}: no barrels`] : []),
    ...(hasDefault ? [`${path}: no default exports`] : []),
  ];
}
