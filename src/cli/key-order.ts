import { isUnionNode, otherwiseOf, type SchemaNode } from "#model/document/discriminated-union.ts";
import { DocumentSchema } from "#model/document/document.ts";

/** The order of keys in a part of the document, by the schema of the part. */
export interface KeyOrder {
  /** Returns where the key belongs. Names, which the schema does not order, are at the end. */
  rankOf(key: string): number;
  /** Returns the order in the value of a key, or in each entry of a list. */
  below(key: string | number): KeyOrder;
}

function orderOf(node: SchemaNode | undefined): KeyOrder {
  const schema = isUnionNode(node) ? otherwiseOf(node) : node;
  const keys = Object.keys(schema?.properties ?? {});
  return {
    rankOf: (key) => {
      const rank = keys.indexOf(key);
      return rank === -1 ? keys.length : rank;
    },
    below: (key) => {
      if (typeof key === "number") return orderOf(schema?.items);
      const [named] = Object.values(schema?.patternProperties ?? {});
      return orderOf(schema?.properties?.[key] ?? named);
    },
  };
}

export const DOCUMENT_ORDER = orderOf(DocumentSchema as object);

/** Returns the keys of `present` and the `added` ones, each after the last key that the schema has before it. */
export function mergedKeys(
  present: readonly string[],
  added: readonly string[],
  order: KeyOrder,
): readonly string[] {
  const keys = [...present];
  for (const key of added) {
    const after = keys.findLastIndex((other) => order.rankOf(other) <= order.rankOf(key));
    keys.splice(after + 1, 0, key);
  }
  return keys;
}
