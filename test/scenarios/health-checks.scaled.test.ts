import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { before, it } from "node:test";
import type { FailureReply } from "#model/failure.ts";
import type { ServerStatus } from "#model/records/status.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { isEvent } from "#harness/log-capture.ts";
import { startShop, type Shop } from "#harness/shop.ts";

const fast = { interval: "50ms", timeout: "2s", rise: 1, fall: 2 };

interface Web {
  /** The status of `/live`. */
  status: number;
  asked: number;
  readonly port: number;
  readonly server: Server;
}

async function startWeb(name: string, host: string, port = 0): Promise<Web> {
  const server = createServer((request, response) => {
    if (request.url === "/live") {
      web.asked += 1;
      response.statusCode = web.status;
    }
    response.end(name);
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  closeAtTestEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const web: Web = { status: 200, asked: 0, port: (server.address() as AddressInfo).port, server };
  return web;
}

forEachEngineIfLong("bun", (engine) => {
  const hosts = { a: uniqueVirtualIp(), b: uniqueVirtualIp() };
  let a: Web;
  let b: Web;
  let shop: Shop<"http" | "same" | "tcp">;

  before(async () => {
    a = await startWeb("a", hosts.a);
    b = await startWeb("b", hosts.b, a.port);
    const http = { type: "http", path: "/live", ...fast };
    shop = await startShop({
      engine,
      servers: hosts,
      profile: { servers: ["a", "b"] },
      listeners: {
        http: { to: a.port, health: http },
        same: { to: a.port, health: { ...http, status: "200-399" } },
        tcp: { to: a.port, health: { ...fast, timeout: "1s" } },
      },
    });
  });

  const answersOf = async (listener: "http" | "same" | "tcp"): Promise<string> => {
    const said = new Set<string>();
    for (let at = 0; at < 4; at += 1) {
      const client = await shop.connect(listener);
      client.socket.write("GET / HTTP/1.0\r\n\r\n");
      said.add((await client.read.toEnd()).toString().slice(-1));
    }
    return [...said].toSorted().join("");
  };

  const serverOf = async (name: string): Promise<ServerStatus | undefined> => {
    const { body } = await shop.director.api("/v1/servers");
    return (body as readonly ServerStatus[]).find((server) => server.name === name);
  };

  it("takes an endpoint out for the listeners whose check fails, and for no other", async () => {
    a.status = 503;
    await eventually(async () => (await answersOf("http")) === "b", 10_000, "answers by b");
    assert.deepEqual([await answersOf("same"), await answersOf("tcp")], ["b", "ab"]);
    const { oper, reason } = (await serverOf("a")) ?? {};
    assert.equal(oper, "degraded");
    assert.match(reason ?? "", /The health check got status 503, and expects 200-399\./);
    a.status = 200;
    await eventually(async () => (await answersOf("http")) === "ab", 10_000, "answers by both");
  });

  it("keeps every endpoint up while over half of all checks fail, and says so", async () => {
    const from = shop.director.logs.length;
    a.status = 503;
    b.status = 503;
    // One port check of the four checks fails too, so it is three of four.
    a.server.closeAllConnections();
    await new Promise<void>((resolve) => a.server.close(() => resolve()));
    const doubts = async (): Promise<boolean> =>
      (await shop.director.metrics()).value("tlsd_health_doubted") === 1;
    await eventually(doubts, 10_000, "a director that doubts itself");
    const { notices } = await shop.director.status();
    assert.ok(notices.some((text) => text.includes("3 of 4 health checks fail at once")));
    assert.equal((await shop.director.metrics()).sum("tlsd_endpoint_up"), 6);
    b.status = 200;
    await eventually(async () => !(await doubts()), 10_000, "a director that trusts itself");
    await eventually(async () => (await serverOf("a"))?.oper === "down", 10_000, "a is down");
    const lines = shop.director.logs.slice(from);
    assert.equal(lines.filter((line) => isEvent(line, "health-doubted")).length, 1);
    assert.equal(
      lines.filter((line) => isEvent(line, "notice-over") && line["notice"] === "health-doubted")
        .length,
      1,
    );
    assert.equal((await serverOf("b"))?.oper, "up");
  });

  it("adds no endpoint over the API that only this machine has, and none of its own", async () => {
    const headers = { "content-type": "application/merge-patch+json" };
    const codesOf = async (change: object): Promise<readonly string[]> => {
      const { body } = await shop.director.api("/v1/document", {
        ...{ method: "PATCH", body: change, headers },
      });
      const { problems = [] } = body as FailureReply;
      return problems.filter(({ severity }) => severity === "error").map(({ code }) => code);
    };
    const metadata = { servers: { c: { address: "::ffff:169.254.169.254" } } };
    assert.deepEqual(await codesOf(metadata), ["endpoint-not-allowed"]);
    assert.deepEqual(await codesOf({ servers: { c: { address: "127.0.0.77" } } }), []);
  });
});
