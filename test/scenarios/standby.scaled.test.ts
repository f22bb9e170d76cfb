import assert from "node:assert/strict";
import { beforeEach, before, describe, it } from "node:test";
import type { ProfileStatus, ServerStatus } from "#model/records/status.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector } from "#harness/director.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { Operator } from "#harness/operator.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { untilServing } from "#harness/worker-changes.ts";

const intervalMs = 100;
const timeoutMs = 400;
const fall = 2;
const health = { interval: `${intervalMs}ms`, timeout: `${timeoutMs}ms`, rise: 2, fall };
/** What one connection of a client and a busy machine may add. */
const slackMs = 5_000;
const deadlineMs = 20_000;

forEachEngineIfLong("bun", (engine) => {
  describe("a profile with a standby server", { concurrency: false }, () => {
    const hosts = { a: uniqueVirtualIp(), b: uniqueVirtualIp() };
    let a: Endpoint;
    let shop: Shop<"web">;
    let operator: Operator;

    const startNamed = (name: keyof typeof hosts, port = 0): Promise<Endpoint> =>
      startEndpoint((socket) => void socket.resume().end(name), { host: hosts[name], port });

    before(async () => {
      a = await startNamed("a");
      await startNamed("b", a.port);
      shop = await startShop({
        ...{ engine, workers: 2, servers: hosts },
        profile: { servers: ["a"], standby: ["b"] },
        listeners: { web: { to: a.port, health } },
      });
      const { socketPath, dir } = shop.director;
      operator = new Operator({ socketPath, folder: dir });
    });

    const run = async (...args: readonly string[]): Promise<string> => {
      const { code, out, err } = await operator.run(args);
      assert.equal(code, 0, err);
      return out;
    };

    const serverOfOne = async (): Promise<string> => {
      const client = await shop.connect("web");
      const name = (await client.read.toEnd()).toString();
      client.end();
      return name;
    };

    /** Returns the servers of several connections, which both workers accept. */
    const answers = async (): Promise<string> => {
      const names = new Set<string>();
      for (let count = 0; count < 8; count += 1) names.add(await serverOfOne());
      return [...names].toSorted().join("");
    };

    const statusOf = async (): Promise<ProfileStatus> => {
      const { body } = await shop.director.api("/v1/profiles");
      const [profile] = body as readonly ProfileStatus[];
      return profile ?? assert.fail("There is no profile.");
    };

    const untilServedBy = (wanted: ProfileStatus["servedBy"]): Promise<true> =>
      eventually(
        async () => (await statusOf()).servedBy === wanted,
        deadlineMs,
        `served by ${wanted}`,
      );

    const isUp = async (name: "a" | "b"): Promise<boolean> => {
      const { body } = await shop.director.api("/v1/servers");
      const found = (body as readonly ServerStatus[]).find((server) => server.name === name);
      return found?.oper === "up";
    };

    /** Clients connect without pause until `work` has ended. Fails if one of them is not served. Returns who served them. */
    const busyDuring = async (work: () => Promise<unknown>): Promise<string> => {
      const stop = new AbortController();
      const names = new Set<string>();
      const clients = Array.from({ length: 4 }, async () => {
        while (!stop.signal.aborted) names.add(await serverOfOne());
      });
      try {
        await work();
      } finally {
        stop.abort();
        await Promise.all(clients);
      }
      return [...names].toSorted().join("");
    };

    const eventsSince = (from: number, names: readonly string[]): readonly string[] =>
      shop.director.logs.slice(from).flatMap((line) => {
        const name = names.find((one) => isEvent(line, one));
        return name === undefined ? [] : [`${name} ${String(line["cause"])}`];
      });
    const switches = ["standby-took-over", "standby-gave-back", "flapping-began"];

    beforeEach(async () => {
      if (!a.isListening) await a.listen();
      await run("set", "server", "a", "up");
      await run("set", "profile", "shop", "failback=auto");
      await eventually(() => isUp("a"), deadlineMs, "a is up");
      await untilServedBy("servers");
    });
    it("is served by it in every worker soon after the server fails, and by the server when it is back", async () => {
      assert.equal(await answers(), "a");
      const from = shop.director.logs.length;
      await a.close();
      const failedMs = performance.now();
      await untilServedBy("standby");
      const tookMs = performance.now() - failedMs;
      const mostMs = (fall + 1) * intervalMs + timeoutMs + 100 + slackMs;
      assert.ok(tookMs < mostMs, `${tookMs} ms`);
      assert.equal(await answers(), "b");
      const endpoint = `${hosts.a}:${a.port}`;
      assert.equal(
        (await statusOf()).reason,
        `front.shop: a ${endpoint}: The endpoint refused the connection.`,
      );
      const { stdout: profiles } = await shop.director.cli("show", "profiles");
      assert.match(profiles, /^shop +a +b +round-robin +front +standby +\d+/m);
      const { stdout: servers } = await shop.director.cli("show", "servers");
      assert.match(servers, /^a +up\/down .* b +\S+ \S* *refused/m);
      assert.match(servers, new RegExp(`a: front\\.shop: ${endpoint}: The endpoint refused`));
      const status = await run("show", "status");
      assert.match(status, /^standby +shop: front\.shop: a /m);
      const metrics = await shop.director.metrics();
      assert.equal(metrics.value("tlsd_profile_on_standby", { profile: "shop" }), 1);
      assert.equal(metrics.value("tlsd_server_state", { server: "a", state: "down" }), 1);
      await a.listen();
      await untilServedBy("servers");
      assert.equal(await answers(), "a");
      assert.deepEqual(eventsSince(from, switches), [
        ...["standby-took-over checks", "standby-gave-back checks"],
      ]);
    });

    it("loses no connection when the standby becomes the server while it serves, and when that is undone", async () => {
      await a.close();
      await untilServedBy("standby");
      const served = await busyDuring(async () => {
        await run("move", "profile", "shop", "--to", "b");
        assert.equal((await statusOf()).servedBy, "servers");
        assert.equal(await answers(), "b");
        await run("undo");
        assert.equal((await statusOf()).servedBy, "standby");
        assert.equal(await answers(), "b");
      });
      assert.equal(served, "b");
      await a.listen();
      await untilServedBy("servers");
    });

    it("loses no connection when its server is drained and comes back, also while that flaps", async () => {
      const from = shop.director.logs.length;
      await busyDuring(async () => {
        await run("set", "server", "a", "drain");
        assert.equal((await statusOf()).servedBy, "standby");
        assert.equal(await answers(), "b");
        for (let count = 0; count < 3; count += 1) {
          await a.close();
          await eventually(async () => !(await isUp("a")), deadlineMs, "a is down");
          await a.listen();
          await eventually(() => isUp("a"), deadlineMs, "a is up");
        }
        assert.equal(await answers(), "b");
        await run("set", "server", "a", "up");
        assert.equal(await answers(), "a");
      });
      assert.deepEqual(eventsSince(from, switches), [
        ...["standby-took-over change", "standby-gave-back change"],
      ]);
    });

    it("stays on standby with manual failback until an operator gives it back", async () => {
      await run("set", "profile", "shop", "failback=manual");
      const early = await operator.run(["failback", "shop"]);
      assert.deepEqual([early.code, /not-on-standby/.test(early.err)], [1, true]);
      await a.close();
      await untilServedBy("standby");
      const down = await operator.run(["failback", "shop"]);
      assert.deepEqual([down.code, /servers-not-up/.test(down.err)], [1, true]);
      await a.listen();
      await eventually(() => isUp("a"), deadlineMs, "a is up");
      assert.equal(await answers(), "b");
      assert.match((await statusOf()).reason ?? "", /after `tlsd failback shop`\.$/);
      assert.equal(await run("failback", "shop"), "The servers of profile shop serve again.\n");
      assert.equal(await answers(), "a");
      const unknown = await shop.director.api("/v1/profiles/nope/failback", { method: "POST" });
      assert.equal(unknown.status, 404);
    });

    it("is flapping after six changes, with one event, and its server then waits", async () => {
      const from = shop.director.logs.length;
      for (let count = 0; count < 3; count += 1) {
        await a.close();
        await untilServedBy("standby");
        await a.listen();
        await eventually(() => isUp("a"), deadlineMs, "a is up");
      }
      const { servedBy, isFlapping, reason } = await statusOf();
      assert.deepEqual([servedBy, isFlapping], ["standby", true]);
      assert.match(reason ?? "", /flapping/);
      assert.equal(await answers(), "b");
      assert.equal(eventsSince(from, ["flapping-began"]).length, 1);
      await run("failback", "shop");
      assert.equal(await answers(), "a");
      assert.equal(eventsSince(from, ["flapping-ended"]).length, 1);
    });

    it("stays on standby when a worker or the director is replaced", async () => {
      await a.close();
      await untilServedBy("standby");
      const victims = await shop.director.workerPids();
      for (const pid of victims) process.kill(pid, "SIGKILL");
      await untilServing(shop.director, 2, victims);
      assert.equal(await answers(), "b");
      await shop.director.stop();
      const next = await startDirector({
        ...{ document: shop.document, engine, folder: shop.director.dir, workers: 2 },
      });
      assert.equal(await answers(), "b");
      const profiles = async () => (await next.api("/v1/profiles")).body as ProfileStatus[];
      assert.equal((await profiles())[0]?.servedBy, "standby");
      await a.listen();
      await eventually(async () => (await profiles())[0]?.servedBy === "servers", deadlineMs);
      assert.equal(await answers(), "a");
    });
  });
});
