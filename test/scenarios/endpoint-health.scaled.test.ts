import assert from "node:assert/strict";
import { before, beforeEach, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { startShop, type Shop } from "#harness/shop.ts";

const health = { type: "tcp", interval: "50ms", timeout: "2s", rise: 2, fall: 2 };
const asked = 8;

forEachEngineIfLong("node", (engine) => {
  const hosts = { a: uniqueVirtualIp(), b: uniqueVirtualIp(), c: uniqueVirtualIp() };
  let a: Endpoint;
  let b: Endpoint;
  let shop: Shop<"checked">;

  const startNamed = (name: keyof typeof hosts, port = 0): Promise<Endpoint> =>
    startEndpoint((socket) => void socket.resume().end(name), { host: hosts[name], port });

  before(async () => {
    a = await startNamed("a");
    b = await startNamed("b", a.port);
    await startNamed("c", a.port);
    shop = await startShop({
      engine,
      workers: 2,
      servers: hosts,
      profile: { servers: ["a", "b"], standby: ["c"] },
      listeners: { checked: { to: a.port, health } },
    });
  });

  const isUp = async (endpoint: Endpoint): Promise<boolean> => {
    const labels = { endpoint: `${endpoint.host}:${endpoint.port}` };
    return (await shop.director.metrics()).value("tlsd_endpoint_up", labels) === 1;
  };

  const answers = async (): Promise<string> => {
    const said: string[] = [];
    while (said.length < asked) {
      const client = await shop.connect("checked");
      said.push((await client.read.toEnd()).toString());
      client.end();
    }
    return [...new Set(said)].toSorted().join("");
  };

  beforeEach(async () => {
    await Promise.all(
      [a, b].filter(({ isListening }) => !isListening).map((endpoint) => endpoint.listen()),
    );
    await shop.setProfile({});
    await eventually(async () => (await isUp(a)) && (await isUp(b)), 10_000, "two servers up");
  });

  const untilAnswers = (wanted: string): Promise<true> =>
    eventually(async () => (await answers()) === wanted, 10_000, `answers by ${wanted}`);

  it("takes a server out that fails its checks before a client has to find out, and in again", async () => {
    await a.close();
    await eventually(async () => !(await isUp(a)), 10_000, "a server that is down");
    // When a change is done, workers have handled what they were told before it.
    await shop.setProfile({ balance: "least-connections" });
    const former = await shop.director.metrics();
    assert.equal(await answers(), "b");
    const [connects, failures] = ["connects_total", "connects_failed_total"].map((name) =>
      former.sum(`tlsd_endpoint_${name}`),
    );
    await shop.untilMetric("tlsd_endpoint_connects_total", (connects ?? 0) + asked, {}, "checked");
    await shop.untilMetric("tlsd_endpoint_connects_failed_total", failures ?? 0, {}, "checked");
    await a.listen();
    await eventually(() => isUp(a), 10_000, "a server that is up");
    await untilAnswers("ab");
  });

  it("goes to the standby when all others fail their checks, and back", async () => {
    await Promise.all([a.close(), b.close()]);
    await untilAnswers("c");
    await b.listen();
    await untilAnswers("b");
    await a.listen();
    await untilAnswers("ab");
  });

  it("still tries servers when every one fails its checks", async () => {
    await shop.setProfile({ standby: [] });
    await Promise.all([a.close(), b.close()]);
    await eventually(async () => !(await isUp(a)) && !(await isUp(b)), 10_000, "no server");
    await b.listen();
    await untilAnswers("b");
  });
});
