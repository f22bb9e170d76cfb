import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { askAdmin, streamFromAdmin } from "./admin-client.ts";

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n";

/** Calls `work` with a socket on which every connection is handed to `serve`. */
async function withServer(
  serve: (socket: Socket) => void,
  work: (socketPath: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tlsd-admin-client-"));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    serve(socket);
  });
  const socketPath = join(folder, "tlsd.sock");
  server.listen(socketPath);
  await once(server, "listening");
  try {
    await work(socketPath);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(folder, { recursive: true });
  }
}

const get = (socketPath: string, deadlineMs: number): Promise<unknown> =>
  askAdmin(socketPath, { method: "GET", path: "/v1/status", deadlineMs });

const late = { code: "reply-late", message: /The socket is .*tlsd\.sock\.$/ };
const unreachable = { code: "director-unreachable" };

describe("the client of the admin API", () => {
  test("returns the JSON of a reply that comes in pieces", () =>
    withServer(
      (socket) => {
        socket.once("data", () => {
          socket.write(`${HEAD}{"isRea`);
          setImmediate(() => socket.end('dy":1}'.padEnd(7)));
        });
      },
      async (path) => assert.deepEqual(await get(path, 5_000), { isReady: 1 }),
    ));

  test("waits for a reply no longer than its deadline", () =>
    withServer(
      () => undefined,
      (path) => assert.rejects(get(path, 50), late),
    ));

  test("waits for the rest of a reply no longer than its deadline", () =>
    withServer(
      (socket) => socket.once("data", () => socket.write(`${HEAD}{`)),
      async (path) => {
        await assert.rejects(get(path, 50), late);
        const read = async (body: AsyncIterable<Uint8Array>): Promise<void> => {
          for await (const chunk of body) assert.equal(String(chunk), "{");
        };
        await assert.rejects(streamFromAdmin(path, "/v1/backup", 50, read), late);
      },
    ));

  test("names the socket if what answers is no director", async () => {
    await assert.rejects(get("/nonexistent/tlsd.sock", 50), {
      ...unreachable,
      message: /The socket is \/nonexistent\/tlsd\.sock \(ENOENT\)\.$/,
    });
    await withServer(
      (socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Le")),
      (path) => assert.rejects(get(path, 5_000), unreachable),
    );
    await withServer(
      (socket) => socket.once("data", () => socket.end("SSH-2.0-OpenSSH\r\n")),
      (path) => assert.rejects(get(path, 5_000), unreachable),
    );
    await withServer(
      (socket) => socket.once("data", () => socket.end(`${HEAD}no JSON at all`)),
      (path) => assert.rejects(get(path, 5_000), unreachable),
    );
  });
});
