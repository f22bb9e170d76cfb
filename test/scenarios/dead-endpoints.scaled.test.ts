import assert from "node:assert/strict";
import { it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { startSinkEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { socketsTo } from "#harness/tcp-queues.ts";
import { startUnresponsiveEndpoint } from "#harness/unresponsive-endpoint.ts";
import {
  laterWait,
  placesOf,
  startDeadEndpointDirector,
  withstandDeadEndpoint,
} from "../fixtures/dead-endpoint-flood.ts";

const openFileLimit = 300;

forEachEngineIfLong("node", (engine) => {
  it("an endpoint that never accepts holds few places, none past its deadline, and takes none from another vNIC", async () => {
    await withstandDeadEndpoint(engine, openFileLimit, placesOf(openFileLimit) + 30, 2_000);
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
      await served.serveDuring(served.flood(60));
    } finally {
      clearInterval(watch);
    }
    assert.ok(most > 0 && most <= laterWait, `${most} connections at once`);
    await served.untilOpenFiles(base);
  });
});
