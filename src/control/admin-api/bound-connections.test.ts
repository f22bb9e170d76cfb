import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { describe, test } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { httpRequest } from "#harness/http-client.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { boundConnections } from "./bound-connections.ts";

const MOST = 4;
/** More than the kernel holds for a client that does not read. */
const LARGE = Buffer.alloc(32 * 1_048_576);

interface Bounded {
  readonly port: number;
  readonly server: Server;
  /** Replies to `/slow` that wait for their end. */
  readonly open: ServerResponse[];
}

async function listen(): Promise<Bounded> {
  const open: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/slow") open.push(response);
    else response.end(request.url === "/large" ? LARGE : "ok");
  });
  boundConnections(server, { new: MOST, slow: MOST, quick: MOST }, ({ url }) =>
    url === "/slow" ? "slow" : "quick",
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closeAtTestEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, server, open };
}

/** A client that has sent `text`, and reads nothing unless told. */
async function hold(port: number, text = ""): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true }).pause();
  socket.on("error", () => undefined);
  closeAtTestEnd(() => void socket.destroy());
  await once(socket, "connect");
  if (text !== "") await new Promise((resolve) => socket.write(text, resolve));
  return socket;
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;

const countOf = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.getConnections((_error, count) => resolve(count));
  });

const HOLDERS: Readonly<Record<string, (port: number) => Promise<Socket>>> = {
  "has sent nothing": (port) => hold(port),
  "has sent part of a request": (port) => hold(port, "GET / HTTP/1.1\r\nhost: "),
  "is kept alive after its reply": async (port) => {
    const socket = await hold(port, get("/"));
    socket.resume();
    await once(socket, "data");
    return socket;
  },
  "does not read its reply": (port) => hold(port, get("/large")),
  "waits for its reply": (port) => hold(port, get("/slow")),
  "has ended its half": async (port) => {
    const socket = await hold(port, "GET / HTTP/1.1\r\nhost: ");
    socket.end();
    return socket;
  },
};

describe("a server with a bound of connections", () => {
  for (const [what, holder] of Object.entries(HOLDERS)) {
    test(`answers a new client, however many hold one that ${what}`, async () => {
      const { port, server } = await listen();
      const holders = await Promise.all(
        Array.from({ length: 3 * MOST }, () => holder(port).catch(() => undefined)),
      );
      assert.equal((await httpRequest({ host: "127.0.0.1", port }, "/")).body, "ok");
      assert.equal(holders.length, 3 * MOST);
      await eventually(async () => (await countOf(server)) <= MOST + 1);
    });
  }

  test("answers one kind of request, however many of another kind are open", async () => {
    const { port, open } = await listen();
    const quick = await hold(port, get("/"));
    quick.resume();
    await once(quick, "data");
    for (let count = 1; count <= 3 * MOST; count += 1) {
      await hold(port, get("/slow"));
      await eventually(() => open.length === count);
    }
    quick.write(get("/"));
    await once(quick, "data");
    const asking = httpRequest({ host: "127.0.0.1", port }, "/slow");
    await eventually(() => open.length === 3 * MOST + 1);
    for (let count = 0; count < 3 * MOST; count += 1) {
      assert.equal((await httpRequest({ host: "127.0.0.1", port }, "/")).body, "ok");
    }
    open.at(-1)?.end("late");
    assert.equal((await asking).body, "late");
  });

  test("ends none that is in the middle of an exchange for one that is without a request", async () => {
    const { port, open } = await listen();
    const asking = httpRequest({ host: "127.0.0.1", port }, "/slow");
    await eventually(() => open.length === 1);
    for (let count = 0; count < 3 * MOST; count += 1) await hold(port);
    open[0]?.end("late");
    assert.equal((await asking).body, "late");
  });

  test("ends the longest exchange when there is nothing else", async () => {
    const { port, open } = await listen();
    const clients: Socket[] = [];
    for (let count = 1; count <= MOST; count += 1) {
      clients.push(await hold(port, get("/slow")));
      await eventually(() => open.length === count);
    }
    const [longest] = clients;
    assert.ok(longest !== undefined);
    const gone = once(longest.resume(), "close");
    longest.on("end", () => longest.end());
    await hold(port, get("/slow"));
    await gone;
    assert.deepEqual(
      clients.slice(1).map(({ destroyed }) => destroyed),
      [false, false, false],
    );
  });
});
