import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { untilEnded } from "#harness/child-process.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask } from "#harness/many-clients.ts";
import { Operator } from "#harness/operator.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { TlsClient } from "#harness/tls-client.ts";
import { startUnresponsiveEndpoint } from "#harness/unresponsive-endpoint.ts";
import { untilServing } from "#harness/worker-changes.ts";

const leaveMs = 40_000;
/** Long enough for the commands of a step, also on a busy machine. */
const graceMs = 2_500;
const grace = `${graceMs}ms`;

forEachEngineIfLong("node", (engine) => {
  describe("open connections to a server that is left", { concurrency: false }, () => {
    let shop: Shop<"web">;
    let operator: Operator;
    let one: Endpoint;

    before(async () => {
      const [first, second, dead] = [uniqueVirtualIp(), uniqueVirtualIp(), uniqueVirtualIp()];
      one = await startHttpEndpoint(servedText, { host: first });
      await startHttpEndpoint(servedText, { host: second, port: one.port });
      const silent = await startUnresponsiveEndpoint(dead);
      shop = await startShop({
        engine,
        workers: 1,
        servers: { one: first, two: second, dead },
        profile: { servers: ["one"] },
        listeners: { web: { to: one.port, timeouts: { connect: "60s" } } },
        more: { director: { drain: "1h", orphanGrace: "1h" } },
      });
      const { director } = shop;
      operator = new Operator({ socketPath: director.socketPath, folder: director.dir });
      // The port of the server that does not answer cannot be chosen.
      const servers = [{ server: "dead", ports: { [one.port]: silent.port } }];
      await director.api("/v1/profiles/shop?reason=ports", {
        ...{ method: "PATCH", body: { standby: servers } },
        headers: { "content-type": "application/merge-patch+json" },
      });
    });

    const run = async (...args: readonly string[]): Promise<string> => {
      const { code, out, err } = await operator.run(args);
      assert.equal(code, 0, err);
      return out;
    };
    const refusalOf = async (...args: readonly string[]): Promise<string> => {
      const { code, err } = await operator.run(args);
      assert.notEqual(code, 0);
      return err;
    };
    const move = (to: string, ...more: readonly string[]): Promise<string> =>
      run("move", "profile", "shop", "--to", to, ...more);
    /** A connection that has been used. */
    const open = async (): Promise<TlsClient> => {
      const client = await shop.connect("web");
      await ask(client);
      return client;
    };
    const assertCut = async (client: TlsClient): Promise<void> => {
      const { outcome, endpoint } = await shop.recordOf(client);
      assert.equal(outcome, "server-drained", String(endpoint));
      assert.equal(await client.read.outcome(), "ECONNRESET");
    };
    const untilDone = (from: number) =>
      shop.director.waitForLog((line) => isEvent(line, "cut-done"), 10_000, from);

    it("go on after a move without a deadline, and are cut by a later command that has one", async () => {
      const client = await open();
      await move("two");
      await ask(client);
      const from = shop.director.logs.length;
      const out = await move("two", "--drain", "0");
      assert.match(out, /^Nothing to change: revision \d+ .*\n.*profile shop .* cut now\.\n/);
      await assertCut(client);
      const { profile, cut } = await untilDone(from);
      assert.deepEqual([profile, cut], ["shop", 1]);
    });

    it("are cut at the deadline of a move, those to the new server not", async () => {
      const old = await open();
      const movedAtMs = performance.now();
      assert.match(await move("one", "--drain", grace), /servers that it has left are cut in 3 s/);
      const client = await open();
      await ask(old);
      assert.match(await run("show", "status"), /cut +connections of profile shop .* in \d s/);
      await assertCut(old);
      assert.ok(performance.now() - movedAtMs >= graceMs - 500);
      await ask(client);
      client.drop();
      assert.doesNotMatch(await run("show", "status"), /cut +connections/);
    });

    it("go on if the profile moves back, by a move or by an undo, whatever the deadline was", async () => {
      const client = await open();
      const from = shop.director.logs.length;
      await move("two", "--drain", grace);
      const other = await open();
      await move("one");
      await move("two", "--drain", grace);
      await run("undo");
      const moves = shop.director.logs
        .slice(from)
        .filter((line) => isEvent(line, "cut-planned", "cut-taken-back"));
      assert.deepEqual(
        moves.map(({ event }) => event),
        ["cut-planned", "cut-taken-back", "cut-planned", "cut-taken-back"],
      );
      // The last deadline counts, and it is that of another connection.
      await move("two", "--drain", "1h");
      await move("one", "--drain", grace);
      await assertCut(other);
      await ask(client);
      client.drop();
    });

    it("are cut when a drained server has a deadline, unless it is up again before", async () => {
      const client = await open();
      assert.match(await refusalOf("set", "server", "one", "up", "--cut", "1s"), /one is up/);
      assert.match(
        await refusalOf("set", "server", "one", "address=192.0.2.1", "--cut", "0"),
        /one is up/,
      );
      assert.match(await refusalOf("set", "server", "one", "drain", "--cut", "25h"), /24h/);
      await run("set", "server", "one", "drain", "--cut", grace);
      await eventually(async () =>
        /drain\/\w+, cut in \d s/.test(await run("show", "servers", "one")),
      );
      await move("two");
      await run("set", "server", "one", "up");
      // Longer than the deadline that was taken back.
      const moved = await open();
      await run("set", "server", "two", "down", "--cut", grace);
      await assertCut(moved);
      await ask(client);
      await run("set", "server", "two", "up");
      await run("set", "server", "one", "drain");
      const out = await run("set", "server", "one", "drain", "--cut", "0");
      assert.match(out, /^Nothing to change.*\nOpen connections to server one are cut now\.\n/);
      await assertCut(client);
      await run("wait", "server", "one", "empty", "--timeout", "10s");
      await run("set", "server", "one", "up");
      await move("one");
    });

    it("are cut at the deadline of an adoption, and of a change of the servers of a profile", async () => {
      const first = await open();
      await run("adopt", "one", "--by", "two", "--drain", "0");
      await assertCut(first);
      const second = await open();
      const out = await run("set", "profile", "shop", "servers=one", "--drain", "0", "--dry-run");
      assert.match(out, /would be cut now/);
      await ask(second);
      await run("set", "profile", "shop", "servers=one", "--drain", "0");
      await assertCut(second);
      // The server is drained while the profile has time to leave it.
      const third = await open();
      await move("two", "--drain", "1h");
      await run("set", "server", "one", "down", "--cut", "0");
      await assertCut(third);
      await run("set", "server", "one", "up");
    });

    it("do not keep clients that wait for a dead server from the new one", async () => {
      await move("dead");
      const waiting = await shop.connect("web");
      const asked = ask(waiting);
      await eventually(async () => {
        const { body } = await shop.director.api("/v1/connections?server=dead");
        return (body as { readonly total: number }).total === 1;
      });
      const startedMs = performance.now();
      await move("one", "--drain", "1h");
      assert.ok(performance.now() - startedMs < 5_000, "the move waits for the dead server");
      await asked;
      waiting.drop();
    });

    it("are cut in workers that have successors, and go on there if the profile moves back", async () => {
      const [cut, kept] = [await open(), await open()];
      await move("two", "--drain", "1h");
      const pids = await shop.director.workerPids();
      shop.director.signal("SIGUSR2");
      await shop.director.waitForLog((line) => isEvent(line, "workers-replaced"), leaveMs);
      await move("one");
      await ask(kept);
      kept.end();
      await kept.read.toEnd();
      await move("two", "--drain", "0");
      await assertCut(cut);
      await untilServing(shop.director, 1, pids);
    });

    it("are no more when a worker is killed before the deadline, and the next move has its own", async () => {
      const lost = await open();
      await move("one", "--drain", grace);
      const pids = await shop.director.workerPids();
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await lost.read.outcome();
      await untilServing(shop.director, 1, pids);
      const client = await open();
      await move("two", "--drain", "0");
      await assertCut(client);
    });

    it("are cut at the deadline also if the control process is killed before", async () => {
      const client = await open();
      await move("one", "--drain", grace);
      const kept = await open();
      const workers = await shop.director.kill();
      await ask(client);
      assert.equal(await client.read.outcome(), "ECONNRESET");
      await ask(kept);
      for (const { pid } of workers) process.kill(pid, "SIGKILL");
      await untilEnded(workers, leaveMs);
    });
  });
});
