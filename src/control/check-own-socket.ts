import { resolve } from "node:path";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import { controlModeOf } from "./control-mode.ts";

/** Refuses unix endpoints in folders of the director, because every client could otherwise reach the admin socket. */
export function checkOwnSocket(
  document: Document,
  ownFolders: readonly string[],
): readonly Problem[] {
  const isOwn = (path: string): boolean =>
    ownFolders.some((own) => resolve(path).startsWith(`${own}/`));
  return listenersOf(document).flatMap(({ path, listener }) =>
    controlModeOf(listener)
      .unixSocketsOf(listener)
      .filter(({ socketPath }) => isOwn(socketPath))
      .map((socket) =>
        problemOf(
          "endpoint-loop",
          `${path}.${socket.path}`,
          "The socket is in the data folder of the director or in the folder of its admin socket.",
          "Move the socket of the server to another folder.",
        ),
      ),
  );
}
