import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { before, describe, it } from "node:test";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { httpRequest } from "#harness/http-client.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";

/** The director keeps 64, and used to close what came beyond them. */
const held = 100;
const answerMs = 20_000;

const texts = {
  "have sent nothing": "",
  "have sent part of a request": "GET /metrics HTTP/1.1\r\nhost: ",
  "are kept alive after their reply": "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n",
  "do not read their replies": "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n".repeat(40),
} as const;

async function hold(target: NetConnectOpts, text: string): Promise<Socket> {
  const socket = connect(target).pause();
  socket.on("error", () => undefined);
  closeAtTestEnd(() => void socket.destroy());
  await once(socket, "connect");
  if (text !== "") socket.write(text);
  return socket;
}

// The control process serves these, whatever the engine of its workers.
describe("clients that hold connections to the director", { concurrency: false }, () => {
  let director: Director;
  let observe: { readonly host: string; readonly port: number };

  before(async () => {
    const host = uniqueVirtualIp();
    observe = { host, port: await freePort(host) };
    director = await startDirector({
      document: { director: { observe: `${observe.host}:${observe.port}` } },
      engine: "node",
      workers: 1,
    });
  });

  for (const [what, text] of Object.entries(texts)) {
    it(`and ${what} lock nobody out of metrics, probes and admin socket`, async () => {
      for (const target of [observe, { path: director.socketPath }]) {
        for (let count = 0; count < held; count += 1) await hold(target, text);
      }
      for (const path of ["/metrics", "/readyz"]) {
        assert.equal((await httpRequest(observe, path, "GET", answerMs)).status, 200);
      }
      assert.equal((await director.status()).state, "serving");
      const { code, stderr } = await director.cli("show", "workers");
      assert.equal(code, 0, stderr);
    });
  }
});
