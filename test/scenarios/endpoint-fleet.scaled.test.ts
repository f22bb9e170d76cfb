import assert from "node:assert/strict";
import { before, beforeEach, it } from "node:test";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { TlsClient, TlsConnectOptions } from "#harness/tls-client.ts";
import { startUnresponsiveEndpoint } from "#harness/unresponsive-endpoint.ts";

const names = ["a", "b", "c"] as const;
type Name = (typeof names)[number];
const connectMs = 700;
/** Deadlines are looked at ten times a second. */
const tickMs = 150;
const failedMetric = "tlsd_endpoint_connects_failed_total";

forEachEngineIfLong("node", (engine) => {
  const hosts: Readonly<Record<Name, string>> = {
    a: uniqueVirtualIp(),
    b: uniqueVirtualIp(),
    c: uniqueVirtualIp(),
  };
  /** Each says its name and stays. */
  let fleet: Readonly<Record<Name, Endpoint>>;
  let breaking: Endpoint;
  let spare: Endpoint;
  let leftAlone: Endpoint;
  /** It is on the second server only. */
  let alone: Endpoint;
  let shop: Shop<"fleet" | "breaking" | "silent" | "nowhere" | "leftAlone" | "alone">;

  const startNamed = (name: Name, port?: number): Promise<Endpoint> =>
    startEndpoint((socket) => void socket.resume().write(name), {
      host: hosts[name],
      ...(port === undefined ? {} : { port }),
    });

  before(async () => {
    const a = await startNamed("a");
    fleet = { a, b: await startNamed("b", a.port), c: await startNamed("c", a.port) };
    breaking = await startEndpoint(
      (socket) => void socket.once("data", () => socket.resetAndDestroy()),
      { host: hosts.a },
    );
    spare = await startNamed("b", breaking.port);
    const silent = await startUnresponsiveEndpoint(hosts.a);
    await startNamed("b", silent.port);
    leftAlone = await startNamed("a");
    await startNamed("b", leftAlone.port);
    alone = await startNamed("b", await freePort(hosts.b));
    shop = await startShop({
      engine,
      servers: hosts,
      listeners: {
        fleet: { to: a.port },
        breaking: { to: breaking.port },
        silent: { to: silent.port, timeouts: { connect: `${connectMs}ms` } },
        nowhere: { to: await freePort(hosts.a) },
        leftAlone: { to: leftAlone.port },
        alone: { to: alone.port, health: { interval: "1h" } },
      },
    });
  });

  beforeEach(async () => {
    for (const endpoint of Object.values(fleet)) await endpoint.close();
    for (const endpoint of Object.values(fleet)) await endpoint.listen();
  });

  const servedBy = async (client: TlsClient): Promise<Name> => {
    const said = (await client.read.bytes(1)).toString();
    return names.find((name) => name === said) ?? assert.fail(`${said} is no server`);
  };

  /** Opens and ends a connection. Returns the name of the server that served it. */
  const ask = async (
    listener: "fleet" | "leftAlone" = "fleet",
    options?: TlsConnectOptions,
  ): Promise<Name> => {
    const client = await shop.connect(listener, options);
    const name = await servedBy(client);
    client.reset();
    return name;
  };

  const askTimes = async (times: number): Promise<readonly Name[]> => {
    const answers: Name[] = [];
    while (answers.length < times) answers.push(await ask());
    return answers;
  };

  const countOf = (answers: readonly Name[], name: Name): number =>
    answers.filter((answer) => answer === name).length;

  it("tries the next server when one refuses, and the client notices nothing", async () => {
    await shop.setProfile({ servers: ["a", "b"], balance: "round-robin" });
    await fleet.a.close();
    const client = await shop.connect("fleet");
    assert.equal(await servedBy(client), "b");
    client.reset();
    const record = await shop.recordOf(client);
    assert.equal(record.endpoint, `b ${hosts.b}:${fleet.b.port}`);
    assert.equal(record.endpointFailure, undefined);
    await shop.untilMetric(failedMetric, 1, { cause: "refused" }, "fleet");
  });

  it("tries the next server when one does not answer before the connect deadline", async () => {
    await shop.setProfile({ servers: ["a", "b"] });
    const client = await shop.connect("silent");
    assert.equal(await servedBy(client), "b");
    client.reset();
    assert.ok((await shop.recordOf(client)).connectMs >= connectMs - tickMs);
  });

  it("tries no other server once a byte of the client has gone to one", async () => {
    await shop.setProfile({ servers: ["a", "b"], balance: "round-robin" });
    const client = await shop.connect("breaking");
    await client.send("order 1");
    assert.equal(await client.read.outcome(), "ECONNRESET");
    assert.equal((await shop.recordOf(client)).outcome, "endpoint-reset");
    assert.deepEqual([breaking.accepted, spare.accepted], [1, 0]);
  });

  it("resets the client when all servers are down, and names the last failure", async () => {
    await shop.setProfile({ servers: ["a", "b", "c"] });
    const client = await shop.connect("nowhere");
    assert.equal(await client.read.outcome(), "ECONNRESET");
    const record = await shop.recordOf(client);
    assert.deepEqual([record.outcome, record.endpointFailure], ["endpoint-failed", "refused"]);
    await shop.untilMetric(failedMetric, 3, {}, "nowhere");
  });

  it("takes turns with round-robin", async () => {
    await shop.setProfile({ servers: names, balance: "round-robin" });
    assert.deepEqual(await askTimes(6), ["a", "b", "c", "a", "b", "c"]);
  });

  it("gives a new connection to the server that has the fewest, with least-connections", async () => {
    await shop.setProfile({ servers: names, balance: "least-connections" });
    const open: TlsClient[] = [];
    const held: Name[] = [];
    for (let count = 0; count < 6; count += 1) {
      const client = await shop.connect("fleet");
      open.push(client);
      held.push(await servedBy(client));
    }
    for (const name of names) assert.equal(countOf(held, name), 2, held.join());
    // Those of b end: whatever comes now goes there until it has as many.
    await Promise.all(
      open
        .filter((_, at) => held[at] === "b")
        .map((client) => {
          client.reset();
          return shop.recordOf(client);
        }),
    );
    const client = await shop.connect("fleet");
    assert.equal(await servedBy(client), "b");
    assert.equal(await ask(), "b");
  });

  it("keeps a client on its server with client-hash, spreads clients, and moves only those of a server that is down", async () => {
    await shop.setProfile({ servers: names, balance: "client-hash" });
    const clients = Array.from({ length: 24 }, (_, at) => `127.3.${at}.${at + 1}`);
    const serverOf = async (): Promise<readonly Name[]> => {
      const answers: Name[] = [];
      for (const localAddress of clients) answers.push(await ask("fleet", { localAddress }));
      return answers;
    };
    const home = await serverOf();
    assert.deepEqual(await serverOf(), home);
    for (const name of names) assert.ok(countOf(home, name) > 0, home.join());
    await fleet.b.close();
    (await serverOf()).forEach((name, at) => {
      if (home[at] === "b") assert.notEqual(name, "b");
      else assert.equal(name, home[at]);
    });
  });

  it("never goes to a standby server on its own", async () => {
    await shop.setProfile({ servers: ["a"], standby: ["b"] });
    const client = await shop.connect("alone");
    assert.equal(await client.read.outcome(), "ECONNRESET");
    const { outcome, endpointFailure } = await shop.recordOf(client);
    assert.deepEqual([outcome, endpointFailure], ["endpoint-failed", "refused"]);
  });

  it("leaves a server alone that refused three times in a row, for longer each time, and comes back", async () => {
    await shop.setProfile({ servers: ["a", "b"], balance: "round-robin" });
    await leftAlone.close();
    const startedMs = performance.now();
    const asked = 40;
    for (let count = 0; count < asked; count += 1) assert.equal(await ask("leftAlone"), "b");
    // Each second one would have gone to a first; now it is once a second at the most.
    const most = 3 + Math.ceil((performance.now() - startedMs) / 1_000);
    await shop.untilMetric("tlsd_endpoint_connects_total", asked, {}, "leftAlone");
    const listener = `front.shop:${shop.portOf("leftAlone")}`;
    const failures = (await shop.director.metrics()).sum(failedMetric, { listener });
    assert.ok(failures >= 3 && failures <= most, `${failures} failures, of ${most}`);
    await leftAlone.listen();
    const isBack = async (): Promise<boolean> => (await ask("leftAlone")) === "a";
    await eventually(isBack, 20_000, "the server that was left alone");
  });
});
