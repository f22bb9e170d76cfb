import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { WrittenDocument } from "#model/document/written-document.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import type { ApiReply } from "#harness/admin-client.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import type { Endpoint, EndpointOptions } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { ask } from "#harness/many-clients.ts";
import { Operator } from "#harness/operator.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { scaled } from "#harness/run-length.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";

const busyClients = scaled({ short: 10, long: 50 });
const moves = scaled({ short: 6, long: 20 });

forEachEngineIfLong("bun", (engine) => {
  describe("a profile", { concurrency: false }, () => {
    let director: Director;
    let operator: Operator;
    let client: TlsConnectOptions;
    let one: Endpoint;
    /** Its port is not that of the others. */
    let three: Endpoint;
    /** How many requests each endpoint got. Health checks make none. */
    const requests = [0, 0, 0];

    before(async () => {
      const ca = await createTestCa();
      const issued = await ca.issue({ names: ["shop.example"] });
      const [first, second, third] = [uniqueVirtualIp(), uniqueVirtualIp(), uniqueVirtualIp()];
      const start = (at: number, options: EndpointOptions): Promise<Endpoint> =>
        startHttpEndpoint((_request, response) => {
          requests[at] = (requests[at] ?? 0) + 1;
          response.end(servedText);
        }, options);
      one = await start(0, { host: first });
      await start(1, { host: second, port: one.port });
      three = await start(2, { host: third, port: await freePort(third) });
      const ip = uniqueVirtualIp();
      director = await startDirector({
        document: shopDocument({
          ip,
          servers: { one: first, two: second, three: third },
          to: one.port,
          profile: { servers: ["one"], standby: ["two"] },
        }),
        engine,
        workers: 1,
        files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
      });
      operator = new Operator({ socketPath: director.socketPath, folder: director.dir });
      client = { host: ip, port: 8443, ca: ca.certificatePem, servername: "shop.example" };
    });

    const run = async (...args: readonly string[]): Promise<string> => {
      const { code, out, err } = await operator.run(args);
      assert.equal(code, 0, err);
      return out;
    };
    const document = async (): Promise<WrittenDocument> =>
      (await director.api("/v1/document")).body as WrittenDocument;
    const shop = async (): Promise<unknown> => (await director.api("/v1/profiles/shop")).body;
    const post = (path: string, body: object): Promise<ApiReply> =>
      director.api(path, { method: "POST", body });

    /** Returns how many clients each endpoint served. */
    const visits = async (count: number): Promise<readonly number[]> => {
      const earlier = [...requests];
      for (let at = 0; at < count; at += 1) {
        await using visitor = await tlsConnect(client);
        await ask(visitor);
      }
      return requests.map((all, at) => all - (earlier[at] ?? 0));
    };

    it("moves to a standby while clients connect and ask without pause, and to and fro", async () => {
      const earlier = await document();
      await using untouched = await tlsConnect(client);
      await ask(untouched);
      const stop = new AbortController();
      let asked = 0;
      const busy = Array.from({ length: busyClients }, async () => {
        while (!stop.signal.aborted) {
          await using visitor = await tlsConnect(client);
          for (let request = 0; request < 5; request += 1) {
            await ask(visitor);
            asked += 1;
          }
        }
      });
      for (let move = 0; move < moves; move += 1) {
        const to = move % 2 === 0 ? "two" : "one";
        const askedBefore = asked;
        assert.match(await run("move", "profile", "shop", "--to", to), /^Revision \d+ is in force/);
        await ask(untouched);
        assert.ok(asked >= askedBefore);
      }
      stop.abort();
      await Promise.all(busy);
      await ask(untouched);
      assert.deepEqual(await visits(2), [2, 0, 0]);
      await run("move", "profile", "shop", "--to", "two");
      assert.deepEqual(await visits(2), [0, 2, 0]);
      for (let move = 0; move <= moves; move += 1) await run("undo");
      assert.deepEqual(await document(), earlier);
      await ask(untouched);
    });

    it("uses the ports and the weights of its servers", async () => {
      const ports = { [one.port]: three.port };
      const servers = [
        { server: "one", weight: 3 },
        { server: "three", ports },
      ];
      await run("set", "profile", "shop", `servers=${JSON.stringify(servers)}`);
      assert.deepEqual(await visits(8), [6, 0, 2]);
      await run("set", "profile", "shop", 'servers+={"server":"one","weight":0}');
      assert.deepEqual(await visits(2), [0, 0, 2]);
      await run(
        "set",
        "profile",
        "shop",
        "balance=least-connections",
        "standby=",
        "servers-=three",
        "servers+=two",
      );
      assert.deepEqual(await visits(2), [0, 2, 0]);
    });

    it("is adopted with all others of a server by one change, which an undo takes back", async () => {
      const vnics = { side: { ip: uniqueVirtualIp() } };
      const other = { servers: ["one", { server: "two", weight: 5 }], standby: ["three"], vnics };
      await run("set", "profile", "shop", "servers=one", "standby=three");
      await director.api("/v1/profiles/blog", { method: "PUT", body: other });
      const earlier = await document();
      assert.match(await run("adopt", "one", "--by", "two"), /profiles\.blog[^]*profiles\.shop/);
      assert.deepEqual(await visits(2), [0, 2, 0]);
      assert.deepEqual((await document()).profiles?.["blog"], {
        ...other,
        servers: [{ server: "two", weight: 5 }],
      });
      await run("undo");
      assert.deepEqual(await document(), earlier);
      const many = Array.from({ length: 31 }, (_, at) => [`v${at}`, { ip: uniqueVirtualIp() }]);
      const crowded = { servers: ["two"], vnics: Object.fromEntries(many) };
      await director.api("/v1/profiles/crowd", { method: "PUT", body: crowded });
      const full = await document();
      const refused = await post("/v1/servers/one/adopt", { by: "two" });
      assert.equal(refused.status, 422);
      assert.match(JSON.stringify(refused.body), /too-many-vnics/);
      assert.deepEqual(await document(), full);
      await run("remove", "profile", "crowd");
    });

    it("gets no new connections on a server that drains, which then becomes empty", async () => {
      await run("set", "profile", "shop", "servers=one,two", "standby=");
      await using open = await tlsConnect(client);
      await ask(open);
      const [holder, other] = one.open.size > 0 ? ["one", "two"] : ["two", "one"];
      await run("set", "server", holder, "drain");
      const [toOne = 0, toTwo = 0] = await visits(4);
      assert.deepEqual(holder === "one" ? [toOne, toTwo] : [toTwo, toOne], [0, 4]);
      await ask(open);
      // Workers report their figures each second.
      await eventually(async () => /drain\/unknown +\d/.test(await run("show", "servers", holder)));
      const early = await operator.run(["wait", "server", holder, "empty", "--timeout", "300ms"]);
      assert.match(early.err, /Its open connections: 1/);
      await run("set", "server", other, "drain");
      const refused = await visits(1).catch((error: unknown) => error);
      assert.ok(refused instanceof Error, "no server is left");
      open.drop();
      await run("wait", "server", holder, "empty", "--timeout", "10s");
      await eventually(async () =>
        /drain\/unknown empty/.test(await run("show", "servers", holder)),
      );
      await run("set", "server", other, "down");
      await run("set", "server", holder, "up");
      const [afterOne, afterTwo] = await visits(2);
      assert.equal(holder === "one" ? afterOne : afterTwo, 2);
      await run("set", "server", other, "up");
    });

    it("says in each reply and view that no server may get new connections", async () => {
      await run("set", "profile", "shop", 'servers=["one",{"server":"three","weight":0}]');
      const move = { to: ["three"] };
      const weight = "No server of the profile may get new connections (three has weight 0)";
      const dry = await post("/v1/profiles/shop/move?dryRun=true", move);
      const moved = await post("/v1/profiles/shop/move", move);
      for (const { status, body } of [dry, moved]) {
        assert.equal(status, 200);
        const { warnings } = body as ChangeReply;
        assert.equal(
          warnings.find(({ code }) => code === "no-server")?.message,
          `${weight}, so the connections of its clients are closed.`,
        );
      }
      assert.match(await run("show", "profiles", "shop"), /three weight 0 .* none [^]*\(three has/);
      assert.match(await run("show", "vnics", "shop"), / up\/down [^]* 0 of 1 [^]*\(three has/);
      await run("set", "profile", "shop", "servers=one");
      await run("set", "server", "two", "drain");
      const adopted = await post("/v1/servers/one/adopt?dryRun=true", { by: "two" });
      assert.match(JSON.stringify(adopted.body), /no-server.*two has admin drain/);
      await run("set", "server", "two", "up");
    });

    it("is not moved where it is already, nor to a server that does not exist", async () => {
      await run("set", "profile", "shop", "servers=one");
      const where = await shop();
      const same = await post("/v1/profiles/shop/move", { to: ["one"] });
      assert.deepEqual([same.status, (same.body as ChangeReply).changed], [200, false]);
      assert.equal((await post("/v1/profiles/shop/move", { to: ["nowhere"] })).status, 422);
      assert.equal((await post("/v1/profiles/none/move", { to: ["one"] })).status, 404);
      assert.equal((await post("/v1/profiles/shop/move", { to: [] })).status, 400);
      assert.equal((await post("/v1/servers/one/adopt", { by: "nobody" })).status, 404);
      assert.deepEqual(await shop(), where);
    });
  });
});
