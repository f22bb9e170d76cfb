import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { HandshakeGroups } from "#model/records/handshake-groups.ts";
import { HANDSHAKE_FAILURES } from "#model/records/outcome.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { failedHandshakes, failedHandshakeWhere } from "#harness/failed-handshakes.ts";
import { isEvent } from "#harness/log-capture.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";

/** More than a worker reports of one moment. */
const floodClients = 400;
const floods = 7;
/** How many of another kind must outlive the floods. */
const rare = 5;
const countedDeadlineMs = 15_000;

describe("failed handshakes", { concurrency: true }, () => {
  forEachEngineIfLong("node", (engine) => {
    let shop: Shop<"shop" | "strict">;

    before(async () => {
      const { port: to } = await startHttpEndpoint(servedText);
      shop = await startShop({
        engine,
        listeners: { shop: { to }, strict: { to, strictServerName: true } },
      });
    });

    /** A client that speaks something else than TLS. */
    async function talkNonsense(listener: "shop" | "strict"): Promise<string> {
      const localAddress = uniqueVirtualIp();
      await using client = await rawConnect({
        host: shop.ip,
        port: shop.portOf(listener),
        localAddress,
      });
      await client.send("no TLS");
      await client.read.outcome();
      await failedHandshakeWhere(
        shop.director,
        ({ clientAddress }) => clientAddress === localAddress,
      );
      return localAddress;
    }

    /** Many clients that say something else than TLS in the same moment. What is reported of them is there at its end. */
    async function flood(): Promise<void> {
      const startedAtMs = Date.now();
      const target = { host: shop.ip, port: shop.portOf("shop") };
      const clients = await Promise.all(
        Array.from({ length: floodClients }, () => rawConnect(target)),
      );
      for (const client of clients) client.socket.write("no TLS");
      await Promise.all(clients.map((client) => client.read.outcome()));
      await failedHandshakeWhere(shop.director, ({ atMs }) => atMs >= startedAtMs);
    }

    // One after the other: each looks at all that is kept.
    describe("are", { concurrency: false }, () => {
      let first: string;
      let last: string;

      before(async () => {
        first = await talkNonsense("shop");
        const refusal = { code: "ERR_SSL_TLSV1_UNRECOGNIZED_NAME" };
        const refused = shop.connect("strict", { servername: "other.example" });
        await assert.rejects(refused, refusal);
        last = await talkNonsense("shop");
      });

      it("told newest first, each with its cause in words", async () => {
        const records = await failedHandshakes(shop.director);
        assert.deepEqual(
          records.map(({ failure }) => failure),
          ["not-tls", "unknown-name", "not-tls"],
        );
        const [newest, named, oldest] = records;
        assert.deepEqual([newest?.clientAddress, oldest?.clientAddress], [last, first]);
        assert.equal(named?.serverName, "other.example");
        assert.equal(named.listener, `front.shop:${shop.portOf("strict")}`);
        for (const { hint, failure } of records) assert.equal(hint, HANDSHAKE_FAILURES[failure]);
        assert.deepEqual(
          records.map(({ atMs }) => atMs),
          records.map(({ atMs }) => atMs).toSorted((one, other) => other - one),
        );
      });

      it("printed by the command, all or those of a listener, for people and as JSON", async () => {
        const show = async (...args: readonly string[]) => {
          const { code, stdout } = await shop.director.cli("show", "handshakes", ...args);
          assert.equal(code, 0);
          return stdout;
        };
        const table = await show("--failed");
        assert.match(table, /^TIME +LISTENER +CLIENT +SERVER NAME +CAUSE +DETAIL$/m);
        assert.match(table, /front\.shop:8444 .* other\.example +unknown-name +offers .*TLSv1\.3/);
        assert.ok(table.includes(`  not-tls: ${HANDSHAKE_FAILURES["not-tls"]}\n`));
        const records = await failedHandshakes(shop.director);
        assert.deepEqual(JSON.parse(await show("--failed", "--json")), records);
        const strict = records.filter(({ serverName }) => serverName === "other.example");
        assert.deepEqual(JSON.parse(await show("front.shop:8444", "--json")), strict);
        assert.deepEqual(JSON.parse(await show("front.shop", "--limit", "1", "--json")), [
          records[0],
        ]);
        assert.equal(await show("front.pay"), "There are no failed handshakes.\n");
      });

      it("given as many as are asked for, up to a thousand", async () => {
        const ask = async (query: string) => shop.director.api(`/v1/handshakes?${query}`);
        assert.equal(((await ask("failed&limit=2")).body as unknown[]).length, 2);
        for (const limit of ["0", "1001", "many"]) {
          const { status, body } = await ask(`limit=${limit}`);
          assert.equal(status, 400);
          assert.equal((body as { code: string }).code, "bad-request");
        }
      });

      it("kept through a flood of another kind, and grouped with the numbers of the metrics", async () => {
        const refuse = async (): Promise<void> => {
          const refused = shop.connect("strict", { servername: "other.example" });
          await assert.rejects(refused, { code: "ERR_SSL_TLSV1_UNRECOGNIZED_NAME" });
        };
        for (let count = 1; count < rare; count += 1) await refuse();
        const failedBefore = 2 + rare;
        await eventually(
          async () => (await failedHandshakes(shop.director)).length === failedBefore,
          countedDeadlineMs,
        );
        for (let count = 0; count < floods; count += 1) await flood();
        const failed = floods * floodClients + failedBefore;
        await eventually(
          async () => {
            const metrics = await shop.director.metrics();
            assert.equal(metrics.sum("tlsd_handshakes_failed_total"), failed);
            const dropped = metrics.sum("tlsd_events_dropped_total");
            assert.ok(dropped > 0, "none was dropped");
            assert.equal(toldInLog(), failed - dropped);
            return true;
          },
          countedDeadlineMs,
          "every failed handshake in the log or counted",
        );
        const ask = async (query: string) =>
          (await shop.director.api(`/v1/handshakes?${query}`)).body;
        const named = (await ask("cause=unknown-name&serverName=other.example")) as unknown[];
        assert.equal(named.length, rare);
        const newest = (await ask("limit=2&skip=1")) as unknown[];
        assert.deepEqual(newest[0], ((await ask("limit=2")) as unknown[])[1]);

        const reply = (await ask("group=cause,listener")) as HandshakeGroups;
        const names = (port: number): string => `front.shop:${port}`;
        assert.deepEqual(
          reply.groups.map(({ cause, listener, count, serverName }) => ({
            ...{ cause, listener, count, serverName },
          })),
          [
            {
              ...{ cause: "not-tls", listener: names(shop.portOf("shop")) },
              ...{ count: failed - rare, serverName: undefined },
            },
            {
              ...{ cause: "unknown-name", listener: names(shop.portOf("strict")) },
              ...{ count: rare, serverName: undefined },
            },
          ],
        );
        const [largest] = reply.groups;
        assert.ok((largest?.kept ?? 0) < failed - rare);
        assert.equal(largest?.hint, HANDSHAKE_FAILURES["not-tls"]);
        assert.equal((await shop.director.api("/v1/handshakes?group=cause,size")).status, 400);
        const { stdout } = await shop.director.cli(
          "show",
          "handshakes",
          "--group",
          "cause,listener",
        );
        assert.match(stdout, /^ *COUNT +KEPT +CAUSE +LISTENER +FIRST +LAST\n *\d+ +\d+ +not-tls /);
      });
    });

    /** Lines of failed handshakes, and how many more there were. */
    const toldInLog = (): number =>
      shop.director.logs.reduce((sum, line) => {
        if (isEvent(line, "handshake-failed")) return sum + 1;
        return isEvent(line, "handshakes-not-logged") ? sum + Number(line["count"]) : sum;
      }, 0);
  });
});
