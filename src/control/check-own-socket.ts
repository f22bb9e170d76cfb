import { resolve } from "node:path";
import type { Document } from "#model/document.ts";
import { tryUnixPath } from "#model/endpoint-text.ts";
import type { Problem } from "#model/failure.ts";
import { pathOf, problemOf } from "#model/problem.ts";

/** A unix endpoint in a folder that may hold the director's admin socket would hand that to every client. */
export function checkOwnSocket(
  document: Document,
  ownFolders: readonly string[],
): readonly Problem[] {
  const isOwn = (path: string): boolean =>
    ownFolders.some((own) => resolve(path).startsWith(`${own}/`));
  return Object.entries(document.profiles).flatMap(([profile, { vnics }]) =>
    Object.entries(vnics).flatMap(([vnic, { listeners }]) =>
      listeners.flatMap(({ mode, to }, index) => {
        const path = mode === "tcp" && typeof to === "string" ? tryUnixPath(to) : undefined;
        if (path === undefined || !isOwn(path)) return [];
        return [
          problemOf(
            "endpoint-loop",
            pathOf("profiles", profile, "vnics", vnic, "listeners", index, "to"),
            "The socket lies in a folder of the director's own: its data folder, or one for its admin socket.",
            "Put the server's socket into a folder of its own.",
          ),
        ];
      }),
    ),
  );
}
