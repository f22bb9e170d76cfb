import { isAlias, isMap, isPair, isScalar, isSeq, type Pair, type Node } from "yaml";
import type { Problem } from "#model/failure.ts";
import { isAboutKey, pathOf, stepTextsOf, type Position } from "#model/problem.ts";
import { positionAt, type ParsedYaml } from "./parse-yaml.ts";

/** The steps of the paths of all problems, as a tree, so that one walk over the document finds all of them. */
interface Branch {
  readonly children: Map<string, Branch>;
  readonly problems: Problem[];
}

type Item = Pair | Node | null;

/**
 * Returns for each problem where it is in the text. If the path of a problem leads to a key that does not exist, its place is that of
 * the part in which the key is missing.
 */
export function locateProblems(
  problems: readonly Problem[],
  { document, lines }: ParsedYaml,
): ReadonlyMap<Problem, Position> {
  const found = new Map<Problem, Position>();
  const place = (branch: Branch, offset: number | undefined): void => {
    if (offset === undefined) return;
    for (const problem of branch.problems) found.set(problem, positionAt(lines, offset));
    for (const child of branch.children.values()) place(child, offset);
  };
  const walk = (branch: Branch, item: Item): void => {
    const missing = new Map(branch.children);
    if (missing.size > 0) {
      for (const [step, child] of childrenOf(item)) {
        const next = branch.children.get(step);
        if (next !== undefined) walk(next, child);
        missing.delete(step);
      }
    }
    place({ problems: [], children: missing }, offsetOf(item, true));
    for (const problem of branch.problems) {
      place({ problems: [problem], children: new Map() }, offsetOf(item, isAboutKey(problem)));
    }
  };
  const childrenOf = (item: Item): readonly (readonly [step: string, item: Item])[] => {
    const value = isPair(item) ? (item.value as Node | null) : item;
    const node = isAlias(value) ? value.resolve(document) : value;
    if (isMap(node)) return node.items.map((pair) => [pathOf(keyOf(pair)), pair]);
    if (isSeq<Node>(node)) return node.items.map((child, at) => [pathOf(at), child]);
    return [];
  };
  walk(treeOf(problems), document.contents);
  return found;
}

function treeOf(problems: readonly Problem[]): Branch {
  const root: Branch = { children: new Map(), problems: [] };
  for (const problem of problems) {
    let branch = root;
    for (const step of stepTextsOf(problem.path)) {
      const next = branch.children.get(step) ?? { children: new Map(), problems: [] };
      branch.children.set(step, next);
      branch = next;
    }
    branch.problems.push(problem);
  }
  return root;
}

const keyOf = ({ key }: Pair): string => String(isScalar(key) ? key.value : key);

/** Returns where a value that is not a map or a list begins, otherwise where its key begins. */
function offsetOf(item: Item, isOfKey: boolean): number | undefined {
  if (!isPair(item)) return item?.range?.[0];
  const key = (item.key as Node | null)?.range?.[0];
  const value = item.value as Node | null;
  if (isOfKey || isMap(value) || isSeq(value)) return key;
  return isScalar(value) && value.value !== null ? value.range?.[0] : key;
}
