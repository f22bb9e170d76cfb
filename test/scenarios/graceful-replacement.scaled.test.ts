import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { startDirector } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask } from "#harness/many-clients.ts";
import { isInNetworkNamespace, runInNetworkNamespace } from "#harness/network-namespace.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { untilServing } from "#harness/worker-changes.ts";

/** So many times the worker gets a successor. With tcp_migrate_req off, a round resets some clients. */
const rounds = 6;
const tlsClients = 8;
const quickClients = 48;
const replacedMs = 30_000;

const migration = "ipv4/tcp_migrate_req";

/** HTTP on the TLS port: it costs no handshake, so that many come at a time, and is answered all the same. */
async function misspeak(target: { readonly host: string; readonly port: number }): Promise<void> {
  await using client = await rawConnect(target);
  await client.send("GET / HTTP/1.1\r\n\r\n");
  await client.read.until("HTTP/1.1 400");
}

if (isInNetworkNamespace) {
  describe("SIGUSR2", () => {
    forEachEngineIfLong("bun", (engine) => {
      let endpoint: Endpoint;

      before(async () => {
        endpoint = await startHttpEndpoint(servedText);
      });

      const start = (workers: number): Promise<Shop<"web">> =>
        startShop({ engine, workers, listeners: { web: { to: endpoint.port } } });

      const replaceAll = async (shop: Shop<"web">): Promise<void> => {
        const from = shop.director.logs.length;
        shop.director.signal("SIGUSR2");
        await shop.director.waitForLog(
          (line) => isEvent(line, "workers-replaced"),
          replacedMs,
          from,
        );
      };

      it("loses no connection of clients that connect all the time", async () => {
        // A single worker leaves no other one that could serve while its successor starts.
        const shop = await start(1);
        assert.ok(!shop.director.logs.some((line) => isEvent(line, "tcp-migrate-req-off")));
        const pids = await shop.director.workerPids();
        const failures: string[] = [];
        let served = 0;
        const over = new AbortController();
        const keepOn = async (connect: () => Promise<unknown>): Promise<void> => {
          while (!over.signal.aborted) {
            await connect().then(
              () => (served += 1),
              (error: unknown) => failures.push(String(error)),
            );
          }
        };
        const target = { host: shop.ip, port: shop.portOf("web") };
        const clients = [
          ...Array.from({ length: tlsClients }, () =>
            keepOn(() =>
              visit({ ...target, ca: shop.ca.certificatePem, servername: "shop.example" }),
            ),
          ),
          ...Array.from({ length: quickClients }, () => keepOn(() => misspeak(target))),
        ];
        for (let round = 0; round < rounds; round += 1) await replaceAll(shop);
        over.abort();
        await Promise.all(clients);
        assert.deepEqual(failures, []);
        assert.ok(served > quickClients);
        await untilServing(shop.director, 1, pids);
      });

      it("lets open connections go on with the workers that leave", async () => {
        const shop = await start(2);
        const client = await shop.connect("web");
        await ask(client);
        const pids = await shop.director.workerPids();
        await replaceAll(shop);
        await ask(client);
        // The worker without a connection is soon gone.
        await eventually(async () => {
          const workers = await shop.director.workers();
          const states = workers.map(({ state }) => state).toSorted();
          return states.join(" ") === "draining serving serving";
        });
        await ask(client);
        client.end();
        await client.read.toEnd();
        await untilServing(shop.director, 2, pids);
      });
    });
  });
} else {
  it("a director says at its start whether the kernel migrates requests", async () => {
    const isOff = await readFile(`/proc/sys/net/${migration}`, "utf8").then(
      (text) => text.trim() === "0",
      () => false,
    );
    const director = await startDirector({ document: "servers: {}\n", engine: "node", workers: 1 });
    const line = director.logs.find((candidate) => isEvent(candidate, "tcp-migrate-req-off"));
    assert.equal(line !== undefined, isOff);
    const { notices } = await director.status();
    assert.equal(notices.includes(String(line?.["msg"])), isOff);
  });

  it("a graceful replacement loses no connection where the kernel migrates requests", async (t) => {
    await runInNetworkNamespace(t, import.meta.url, { [migration]: "1" });
  });
}
