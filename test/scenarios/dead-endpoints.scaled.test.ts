import assert from "node:assert/strict";
import { it } from "node:test";
import { placesOf, startDeadEndpointDirector } from "#harness/dead-endpoint-director.ts";
import { eventually } from "#harness/deadline.ts";
import { startSinkEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { scaled } from "#harness/run-length.ts";
import { socketsTo } from "#harness/tcp-sockets.ts";
import { startUnresponsiveEndpoint } from "#harness/unresponsive-endpoint.ts";

const openFileLimit = 300;
const flood = scaled({
  short: { openFileLimit, clients: placesOf(openFileLimit) + 30, connectMs: 2_000 },
  long: { openFileLimit: 1_024, clients: 1_300, connectMs: 4_000 },
});
/** How many connects may be under way to an endpoint that has not answered for a while. */
const laterConnects = 16;
const laterClients = 60;

forEachEngineIfLong("node", (engine) => {
  it("an endpoint that never accepts holds few places, none past its deadline, and takes none from another vNIC", async () => {
    const dead = await startUnresponsiveEndpoint();
    const fillers = socketsTo(dead.port).connecting;
    const held = (): number => socketsTo(dead.port).connecting - fillers;
    const served = await startDeadEndpointDirector({
      ...{ engine, openFileLimit: flood.openFileLimit, connectMs: flood.connectMs },
      deadPort: dead.port,
    });
    const base = await served.openFiles();

    /** The most connects that were under way at once during a flood. None may be left soon after it. */
    const mostDuring = async (clients: number): Promise<number> => {
      let most = 0;
      const watch = setInterval(() => (most = Math.max(most, held())), 20);
      try {
        await served.serveDuring(served.flood(clients));
      } finally {
        clearInterval(watch);
      }
      await eventually(
        () => held() === 0,
        8_000,
        () => `${held()} connects under way`,
      );
      return most;
    };

    const first = await mostDuring(flood.clients);
    assert.ok(first > 0 && first <= placesOf(flood.openFileLimit), `${first} connects at once`);
    const second = await mostDuring(laterClients);
    assert.ok(second > 0 && second <= laterConnects, `${second} connects at once`);
    assert.ok((await served.failedConnects("busy")) > 0);
    assert.ok((await served.failedConnects("timeout")) > 0);
    await served.untilOpenFiles(base);
  });

  for (const endpointTls of [undefined, { verify: false }]) {
    it(`a client that leaves takes its connect with it${endpointTls ? ", TLS" : ""}`, async () => {
      const dead = await startUnresponsiveEndpoint();
      const { connecting: fillers } = socketsTo(dead.port);
      const held = (): number => socketsTo(dead.port).connecting - fillers;
      const served = await startDeadEndpointDirector({
        ...{ engine, openFileLimit, deadPort: dead.port, connectMs: 60_000 },
        listener: { endpointTls },
      });
      const clients = await Promise.all(Array.from({ length: 5 }, () => served.connectToDead()));
      await eventually(() => held() === clients.length, 10_000);
      for (const client of clients) client.reset();
      await eventually(
        () => held() === 0,
        10_000,
        () => `${held()} connects under way`,
      );
    });
  }

  it("an endpoint that accepts and never answers TLS holds no more", async () => {
    const dead = await startSinkEndpoint();
    const served = await startDeadEndpointDirector({
      ...{ engine, openFileLimit, deadPort: dead.port, connectMs: 1_000 },
      listener: { endpointTls: { verify: false } },
    });
    const base = await served.openFiles();
    await served.serveDuring(served.flood(30));
    await served.untilOpenFiles(base);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, socketsTo(dead.port).connected)), 20);
    try {
      await served.serveDuring(served.flood(laterClients));
    } finally {
      clearInterval(watch);
    }
    assert.ok(most > 0 && most <= laterConnects, `${most} connections at once`);
    await served.untilOpenFiles(base);
  });
});
