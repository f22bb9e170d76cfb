import { resolve } from "node:path";
import { isBelow } from "#model/document/absolute-path.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import { inTurn } from "./certificates/in-turn.ts";
import { controlModeOf } from "./control-mode.ts";
import { realFoldersOf, realPathOf } from "./real-path.ts";

/**
 * Refuses unix endpoints in folders of the director, also through symlinks, because every client could otherwise reach the admin
 * socket.
 */
export async function checkOwnSocket(
  document: Document,
  ownFolders: readonly string[],
): Promise<readonly Problem[]> {
  const sockets = listenersOf(document).flatMap(({ path, listener }) =>
    controlModeOf(listener)
      .unixSocketsOf(listener)
      .map((socket) => ({ place: `${path}.${socket.path}`, file: resolve(socket.socketPath) })),
  );
  if (sockets.length === 0) return [];
  const own = [...ownFolders, ...(await realFoldersOf(ownFolders))];
  const isOwn = (file: string): boolean => own.some((folder) => isBelow(file, folder));
  const problems = await inTurn(sockets, async ({ place, file }) =>
    isOwn(file) || isOwn(await realPathOf(file)) ? [ownSocket(place)] : [],
  );
  return problems.flat();
}

const ownSocket = (place: string): Problem =>
  problemOf(
    "endpoint-loop",
    place,
    "The socket is in the data folder of the director or in the folder of its admin socket.",
    "Move the socket of the server to another folder.",
  );
