import { RESOURCE_KINDS } from "#model/document/resources.ts";
import { getFromAdmin } from "#cli/admin-client.ts";
import { NAMED_KINDS } from "#cli/named-kind.ts";

/** The user has pressed Tab and waits. */
const DEADLINE_MS = 1_000;
const MAX_NAMES = 1_000;

/** The list that has the names, by the word before the name. */
const LISTS: ReadonlyMap<string, string> = new Map([
  ...RESOURCE_KINDS.map((kind) => [kind, kind] as const),
  ...Object.entries(NAMED_KINDS),
  ["workers", "workers"],
  ["handshakes", "listeners"],
  ["connections", "listeners"],
  ["failback", "profiles"],
  ["adopt", "servers"],
  ["by", "servers"],
  ["to", "servers"],
]);

/** Resolves to the names of a kind from the running director, or to none if it does not answer soon. */
export async function completeNames(kind: string, socketPath: string): Promise<readonly string[]> {
  const deadline = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(() => deadline.resolve([]), DEADLINE_MS);
  try {
    return await Promise.race([readNames(kind, socketPath), deadline.promise]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

async function readNames(kind: string, socketPath: string): Promise<readonly string[]> {
  const list = LISTS.get(kind);
  if (list === undefined) return [];
  const reply = await getFromAdmin(socketPath, `/v1/${list}`);
  if (!Array.isArray(reply)) return [];
  const names = (reply as readonly unknown[]).flatMap((entry) => {
    const { name, id } = Object(entry) as { readonly name?: unknown; readonly id?: unknown };
    const own = name ?? id;
    return typeof own === "string" || typeof own === "number" ? [String(own)] : [];
  });
  return names.slice(0, MAX_NAMES);
}
