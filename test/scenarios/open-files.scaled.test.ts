import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { runDirectorToExit } from "#harness/director.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { FailureLedger } from "#harness/failed-handshakes.ts";
import { isEvent } from "#harness/log-capture.ts";
import { limitOpenFiles, withOpenFileLimit } from "#harness/open-file-limit.ts";
import { openFileCount } from "#harness/process-facts.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rejectedConnect } from "#harness/socket-client.ts";
import type { TlsClient } from "#harness/tls-client.ts";

/** Each takes two files. */
const fullAt = 10;
/** A worker with one listener takes `fullAt` connections: 128 files are kept for other uses. */
const openFileLimit = 128 + 1 + 2 * fullAt;

async function echo(client: TlsClient): Promise<void> {
  await client.send("x");
  assert.equal((await client.read.bytes(1, 20_000)).toString(), "x");
}

type OneListener = Shop<"front">;

async function connectAll(shop: OneListener, count: number): Promise<readonly TlsClient[]> {
  const clients: TlsClient[] = [];
  for (let opened = 0; opened < count; opened += 1) {
    const client = await shop.connect("front");
    await echo(client);
    clients.push(client);
  }
  return clients;
}

async function closeAll(clients: readonly TlsClient[]): Promise<void> {
  for (const client of clients) await client[Symbol.asyncDispose]();
}

/** A client of a full director is turned away or waits. It is served as soon as there is room. */
function untilServed(shop: OneListener): Promise<TlsClient> {
  return eventually(
    async () => {
      const client = await shop.connect("front");
      await echo(client);
      return client;
    },
    30_000,
    "a new connection",
  );
}

describe("a director that may hardly open a file", () => {
  it("does not start, and names the limit", async () => {
    const { code, stderr } = await runDirectorToExit({
      document: {},
      engine: "node",
      prefix: withOpenFileLimit(40),
    });
    assert.equal(code, 1);
    assert.match(stderr, /open-files-too-few: .*It is 40\. With 2 workers it must be at least 68/);
    assert.match(stderr, /ulimit -n/);
  });
});

forEachEngineIfLong("bun", (engine) => {
  let to: number;

  before(async () => {
    to = (await startEchoEndpoint()).port;
  });

  describe("a worker", { concurrency: 2 }, () => {
    it("without an open file left keeps its connections, and serves new clients when some are free", async () => {
      const shop = await startShop({ engine, listeners: { front: { to } } });
      const pid = await shop.workerPid();
      const base = openFileCount(pid);
      await limitOpenFiles(pid, base + 2 * fullAt);
      const clients = await connectAll(shop, fullAt);
      assert.equal(openFileCount(pid), base + 2 * fullAt);

      const late = untilServed(shop);
      const later = untilServed(shop);
      // A heartbeat, which tells what it measured of itself, comes out of a worker that cannot open a file to measure.
      await eventually(async () => {
        const [worker] = await shop.director.workers();
        assert.equal(worker?.openConnections, fullAt);
        return true;
      });
      for (const client of clients) await echo(client);
      assert.equal(await shop.workerPid(), pid);

      await closeAll(clients.slice(0, fullAt / 2));
      await closeAll(await Promise.all([late, later]));
      for (const client of clients.slice(fullAt / 2)) await echo(client);
      await closeAll(clients);
      await shop.untilOpenFiles(base);
      assert.equal(await shop.workerPid(), pid);
    });

    it("with 64 open files serves one client at a time, and the director says so", async () => {
      const prefix = withOpenFileLimit(64);
      const shop = await startShop({ engine, listeners: { front: { to } }, prefix });
      const [client] = await connectAll(shop, 1);
      const { notices } = await shop.director.status();
      const worker = /open-file limit of 64 allows each of the 1 workers 1 connection\..*ulimit -n/;
      assert.ok(notices.some((notice) => worker.test(notice)));
      assert.ok(notices.some((notice) => notice.includes("the control process may need")));
      await closeAll(client === undefined ? [] : [client]);
    });

    for (const maxConnections of ["auto", 100_000] as const) {
      it(`with maxConnections ${maxConnections} resets and records clients that come over the open-file limit`, async () => {
        const shop = await startShop({
          engine,
          listeners: { front: { to } },
          more: { director: { maxConnections } },
          prefix: withOpenFileLimit(openFileLimit),
        });
        const pid = await shop.workerPid();
        const base = openFileCount(pid);
        const ledger = new FailureLedger(shop.director);
        const clients = await connectAll(shop, fullAt);

        for (let refused = 0; refused < 5; refused += 1) {
          const clientAddress = uniqueVirtualIp();
          const where = { host: shop.ip, port: shop.portOf("front"), localAddress: clientAddress };
          assert.equal((await rejectedConnect(where)).outcome, "ECONNRESET");
          const limit = "director-connections";
          await ledger.expect({ clientAddress }, "over-limit", { limit });
        }
        assert.ok(openFileCount(pid) < openFileLimit);
        await closeAll(clients.slice(1));
        await closeAll([await untilServed(shop), ...clients]);
        await shop.untilOpenFiles(base);

        const { notices } = await shop.director.status();
        const isSaid = shop.director.logs.some((line) => isEvent(line, "open-file-limit-low"));
        assert.ok(isSaid);
        assert.ok(notices.some((notice) => notice.includes("an open-file limit of")));
      });
    }
  });
});
