const COLLATOR = new Intl.Collator("en", { numeric: true });

/** Compares names as people order them: web-2 is before web-10. No two different names are equal. */
export function compareNames(one: string, other: string): number {
  const order = COLLATOR.compare(one, other);
  if (order !== 0 || one === other) return order;
  return one < other ? -1 : 1;
}
