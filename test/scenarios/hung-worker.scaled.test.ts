import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isInNetworkNamespace, runInNetworkNamespace } from "#harness/network-namespace.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { startShop } from "#harness/shop.ts";

const clients = 40;
const deadlineMs = 60_000;

if (isInNetworkNamespace) {
  describe("a worker that hangs", { concurrency: true }, () => {
    forEachEngineIfLong("bun", (engine) => {
      it("loses none of the connections that wait for it where the kernel migrates them", async () => {
        const { port: to } = await startHttpEndpoint(servedText);
        const listeners = { web: { to, timeouts: { handshake: "60s" } } };
        const shop = await startShop({ engine, workers: 2, listeners });
        const [hung = 0] = await shop.director.workerPids();
        process.kill(hung, "SIGSTOP");
        const visits = Array.from({ length: clients }, () =>
          visit({ ...shop.clientOf("web"), deadlineMs }),
        );
        assert.equal((await Promise.all(visits)).length, clients);
        await eventually(async () => !(await shop.director.workerPids()).includes(hung), 20_000);
      });
    });
  });
} else {
  it("a worker that hangs loses no connection that it has not accepted", (t) =>
    runInNetworkNamespace(t, import.meta.url, { "ipv4/tcp_migrate_req": "1" }));
}
