import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { OpenConnections } from "#model/records/open-connection.ts";
import type { ServerStatus, VnicStatus } from "#model/records/status.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import type { TlsClient } from "#harness/tls-client.ts";

const message = Buffer.alloc(1_000, "x");
const deadlineMs = 20_000;

// One after the other: each looks at all that is open.
describe("an operator sees", { concurrency: false }, () => {
  forEachEngineIfLong("node", (engine) => {
    let shop: Shop<"web">;
    let echoPort: number;
    const deadAddress = uniqueVirtualIp();
    const addresses = { one: uniqueVirtualIp(), other: uniqueVirtualIp() };
    const otherIp = uniqueVirtualIp();
    let clients: { readonly one: TlsClient; readonly other: TlsClient };

    const list = async (query = ""): Promise<OpenConnections> => {
      const { status, body } = await shop.director.api(`/v1/connections?${query}`);
      assert.equal(status, 200, JSON.stringify(body));
      return body as OpenConnections;
    };
    const echo = async (client: TlsClient): Promise<void> => {
      await client.send(message);
      assert.equal((await client.read.bytes(message.length)).length, message.length);
    };
    /** A document with one more vNIC in the profile, and one more profile on a server that does not answer. */
    const documentWith = (more: { readonly extra?: true; readonly pay?: number }): object => {
      const document = structuredClone(shop.document) as {
        servers: Record<string, object>;
        profiles: Record<string, { vnics: Record<string, object> }>;
      };
      const listener = { port: 8443, certificates: ["shop"], accessLog: "full" };
      const listeners = [{ ...listener, to: echoPort }];
      if (more.extra === true) {
        Object.assign(document.profiles["shop"]?.vnics ?? {}, {
          extra: { ip: otherIp, listeners },
        });
      }
      if (more.pay !== undefined) {
        document.servers["gone"] = { address: deadAddress };
        const back = { ip: otherIp, listeners: [{ ...listener, to: more.pay }] };
        Object.assign(document.profiles, { pay: { servers: ["gone"], vnics: { back } } });
      }
      return document;
    };

    before(async () => {
      ({ port: echoPort } = await startEchoEndpoint());
      shop = await startShop({ engine, workers: 2, listeners: { web: { to: echoPort } } });
      clients = {
        one: await shop.connect("web", { localAddress: addresses.one }),
        other: await shop.connect("web", { localAddress: addresses.other }),
      };
    });

    it("open connections of all workers with stage, age, bytes and rate, and by filter", async () => {
      const target = { host: shop.ip, port: shop.portOf("web") };
      await using silent = await rawConnect(target);
      await silent.send("\u0016");
      await echo(clients.one);
      const { total, shown, silentWorkers, connections } = await list("vnic=front.shop");
      assert.deepEqual([total, shown, silentWorkers], [3, 3, 0]);
      const ofOne = connections.find(({ clientAddress }) => clientAddress === addresses.one);
      assert.ok(ofOne !== undefined);
      assert.deepEqual(
        [ofOne.stage, ofOne.server, ofOne.endpoint, ofOne.serverName],
        ["relaying", "web", `127.0.0.1:${echoPort}`, "shop.example"],
      );
      assert.deepEqual([ofOne.bytesFromClient, ofOne.bytesToClient], [1_000, 1_000]);
      assert.ok(ofOne.ageMs > 0 && ofOne.ageMs < 60_000, `${ofOne.ageMs} ms old`);
      assert.equal(connections.filter(({ stage }) => stage === "opening").length, 1);

      // What is sent while the worker looks twice makes a rate.
      const stopped = new AbortController();
      const talk = async (): Promise<void> => {
        while (!stopped.signal.aborted) await echo(clients.one);
      };
      const talking = talk();
      const busy = await list(`client=${addresses.one}`);
      stopped.abort();
      await talking;
      assert.ok((busy.connections[0]?.toClientPerSecond ?? 0) > 0);

      assert.equal((await list(`client=${addresses.other}/32`)).total, 1);
      assert.equal((await list("server=web")).total, 2);
      assert.equal((await list("server=gone")).total, 0);
      assert.equal((await list("limit=1")).shown, 1);
      const { stdout } = await shop.director.cli("show", "connections", "front.shop");
      assert.match(stdout, /^LISTENER +CLIENT +SERVER NAME +SERVER +STATE +AGE +IN +OUT +RATE\n/);
      assert.ok(stdout.includes(`${addresses.one}:${clients.one.clientPort}`));
    });

    it("which ones are cut by a filter, while others live on", async () => {
      const refused = await shop.director.api("/v1/connections", { method: "DELETE" });
      assert.deepEqual(
        [refused.status, (refused.body as { readonly code: string }).code],
        [400, "filter-missing"],
      );
      const usage = await shop.director.cli("cut", "connections");
      assert.deepEqual([usage.code, usage.stdout], [2, ""]);
      assert.equal((await list()).total, 2);

      const path = `/v1/connections?client=${addresses.one}`;
      const { body } = await shop.director.api(path, { method: "DELETE" });
      assert.deepEqual(body, { cut: 1, silentWorkers: 0 });
      const record = await shop.recordOf(clients.one);
      assert.deepEqual([record.outcome, record.server], ["cut-by-operator", "web"]);
      await echo(clients.other);
      await shop.untilMetric("tlsd_connections_ended_total", 1, { outcome: "cut-by-operator" });
      await shop.director.waitForLog((line) => isEvent(line, "connections-cut"));

      const opening = await rawConnect({ host: shop.ip, port: shop.portOf("web") });
      await eventually(async () => (await list()).total === 2, deadlineMs);
      const cut = await shop.director.cli("cut", "connections", "--vnic", "front.shop", "--json");
      assert.deepEqual(JSON.parse(cut.stdout), { cut: 2, silentWorkers: 0 });
      await opening.read.outcome();
      await shop.untilMetric("tlsd_handshakes_failed_total", 1, { cause: "cut-by-operator" });
      assert.equal((await list()).total, 0);
    });

    it("connections of a vNIC that was removed, until they end", async () => {
      const added = await shop.director.reload(documentWith({ extra: true }));
      assert.equal(added.outcome, "applied");
      await using client = await shop.connect("web", { host: otherIp, port: 8443 });
      await echo(client);
      const removed = await shop.director.reload(documentWith({}));
      assert.equal(removed.outcome, "applied");
      await echo(client);
      const { connections } = await list("vnic=extra.shop");
      assert.deepEqual(
        connections.map(({ stage, bytesToClient }) => [stage, bytesToClient]),
        [["relaying", 2_000]],
      );
      client.end();
      await eventually(async () => (await list("vnic=extra.shop")).total === 0, deadlineMs);
    });

    it("a dead server first, with its last error, although nothing checks it", async () => {
      const port = await freePort(deadAddress);
      const { outcome } = await shop.director.reload(documentWith({ pay: port }));
      assert.equal(outcome, "applied");
      const servers = async () =>
        (await shop.director.api("/v1/servers")).body as readonly ServerStatus[];
      assert.equal((await servers()).find(({ name }) => name === "gone")?.oper, "unknown");
      for (let count = 0; count < 3; count += 1) {
        const client = await shop.connect("web", { host: otherIp, port: 8443 });
        await client.read.outcome();
      }
      const [first] = await eventually(async () => {
        const found = await servers();
        return found[0]?.oper === "failing" ? found : undefined;
      }, deadlineMs);
      assert.deepEqual(
        [first?.name, first?.connectFailures, first?.lastError?.cause, first?.lastError?.vnic],
        ["gone", 3, "refused", "back.pay"],
      );
      assert.deepEqual(first?.profiles, ["pay"]);
      await shop.director.waitForLog(
        (line) => isEvent(line, "server-state") && line["server"] === "gone",
      );
      const { stdout } = await shop.director.cli("show", "servers");
      assert.match(
        stdout,
        /^SERVER [^\n]+\ngone +up\/failing .* refused \(back\.pay\)\nweb +up\/unknown /,
      );
      const vnics = (await shop.director.api("/v1/vnics")).body as readonly VnicStatus[];
      const back = vnics.find(({ name }) => name === "back.pay");
      assert.deepEqual([back?.endpointsUp, back?.endpoints], [0, 1]);
      assert.ok((back?.rates.connections ?? 0) > 0);
      const metrics = await shop.director.metrics();
      const labels = { server: "gone", vnic: "back.pay" };
      assert.equal(metrics.value("tlsd_server_connects_failed_total", labels), 3);
    });

    it("more of the log for a while", async () => {
      const put = async (body: object) =>
        shop.director.api("/v1/log-level", { method: "PUT", body });
      const levelOf = async () =>
        (await shop.director.api("/v1/log-level")).body as Readonly<Record<string, string>>;
      const { level: usual } = await levelOf();
      const changed = (await put({ level: "debug", for: "1s" })).body as Record<string, string>;
      assert.deepEqual([changed["level"], changed["usual"]], ["debug", usual]);
      assert.ok(Date.parse(changed["until"] ?? "") > 0);
      await eventually(async () => (await levelOf())["level"] === usual, deadlineMs);
      for (const body of [{ level: "loud" }, { level: "debug", for: "25h" }, {}]) {
        assert.equal((await put(body)).status, 400);
      }
    });
  });
});
