/** Returns at most `limit` items, evenly spread over all, in the same order. */
export function evenlyOf<Item>(items: readonly Item[], limit: number): readonly Item[] {
  if (items.length <= limit) return items;
  const step = items.length / limit;
  return Array.from({ length: limit }, (_, at) => Math.floor(at * step)).flatMap((index) =>
    items.slice(index, index + 1),
  );
}
