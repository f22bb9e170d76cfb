import { resolve } from "node:path";
import type { Document } from "#model/document.ts";
import { tryUnixPath } from "#model/endpoint-text.ts";
import type { Problem } from "#model/failure.ts";
import { pathOf, problemOf } from "#model/problem.ts";

/** A unix endpoint in the director's own data folder would hand its admin socket to every client. */
export function checkOwnSocket(document: Document, folder: string): readonly Problem[] {
  const data = resolve(folder, document.director.data);
  return Object.entries(document.profiles).flatMap(([profile, { vnics }]) =>
    Object.entries(vnics).flatMap(([vnic, { listeners }]) =>
      listeners.flatMap(({ mode, to }, index) => {
        const path = mode === "tcp" && typeof to === "string" ? tryUnixPath(to) : undefined;
        if (path === undefined || !resolve(path).startsWith(`${data}/`)) return [];
        return [
          problemOf(
            "endpoint-loop",
            pathOf("profiles", profile, "vnics", vnic, "listeners", index, "to"),
            "The socket lies in the director's own data folder.",
            "Put the server's socket into a folder of its own.",
          ),
        ];
      }),
    ),
  );
}
