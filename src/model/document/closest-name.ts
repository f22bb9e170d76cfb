/** Returns the known name that is closest to a misspelt name, or undefined if none is close. */
export function tryClosestName(given: string, known: Iterable<string>): string | undefined {
  if (given.length > 64) return undefined;
  const allowed = Math.max(1, Math.floor(given.length / 3));
  let closest: string | undefined;
  let closestDistance = allowed + 1;
  for (const name of known) {
    if (Math.abs(name.length - given.length) >= closestDistance) continue;
    const distance = editDistance(given.toLowerCase(), name.toLowerCase());
    if (distance < closestDistance) [closest, closestDistance] = [name, distance];
  }
  return closest;
}

/**
 * Returns the optimal string alignment distance: the number of insertions, deletions, substitutions and swaps of
 * neighbours.
 */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap =
        row > 1 &&
        column > 1 &&
        from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (isSame ? 0 : 1),
          isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}

/** Returns a hint such as "Did you mean `listeners`?", or undefined if no name is close. */
export function tryDidYouMean(given: string, known: Iterable<string>): string | undefined {
  const closest = tryClosestName(given, known);
  return closest === undefined ? undefined : `Did you mean \`${closest}\`?`;
}
