import assert from "node:assert/strict";
import { before, it } from "node:test";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { startResettingEndpoint, startSourceEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { sendPattern } from "#harness/flow.ts";
import { patternDigest } from "#harness/pattern.ts";
import { openFileCount } from "#harness/process-facts.ts";
import { Random } from "#harness/random.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import type { TlsClient, TlsConnectOptions } from "#harness/tls-client.ts";

const mebibyte = 1024 * 1024;
const parallel = 24;
const slowClients = 6;
/** More than kernels hold on the way. */
const slowBytes = 80 * mebibyte;
const churn = 6;
const churnAtOnce = 10;

forEachEngine((engine) => {
  let endpoint: AcceptingEndpoint;
  let shop: Shop<"driven" | "brief" | "resetting" | "nowhere">;

  before(async () => {
    endpoint = await startAcceptingEndpoint();
    const brief = await startSourceEndpoint(100_000);
    const resetting = await startResettingEndpoint(1_000);
    const nowhere = await startSourceEndpoint(0);
    await nowhere.close();
    shop = await startShop({
      engine,
      listeners: {
        driven: { to: endpoint.endpoint.port },
        brief: { to: brief.port, accessLog: "off" },
        resetting: { to: resetting.port, accessLog: "off" },
        nowhere: { to: nowhere.port, accessLog: "off" },
      },
    });
  });

  const pair = (options?: TlsConnectOptions): Promise<[TlsClient, SocketClient]> =>
    endpoint.meet(() => shop.connect("driven", options));

  /** Sends both ways at once in chunks of random size, ends both halves, and compares what arrived. */
  const exchange = async (
    [client, server]: [TlsClient, SocketClient],
    bytes: { readonly up: number; readonly down: number },
    random: Random,
  ): Promise<void> => {
    const chunkSize = (): number => random.size(1, 200_000);
    const up = sendPattern(client.socket, bytes.up, chunkSize);
    const down = sendPattern(server.socket, bytes.down, chunkSize);
    const ended = [up.sent.then(() => client.end()), down.sent.then(() => server.end())];
    const [atServer, atClient] = await Promise.all([
      server.read.digestToEnd(60_000),
      client.read.digestToEnd(60_000),
    ]);
    await Promise.all(ended);
    assert.deepEqual(atServer, patternDigest(bytes.up), `seed ${random.seed}`);
    assert.deepEqual(atClient, patternDigest(bytes.down), `seed ${random.seed}`);
  };

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`carries 8 MiB both ways at once, bit-exact, at random sizes, ${version}`, async () => {
      const sides = await pair({ maxVersion: version });
      const bytes = 8 * mebibyte;
      await exchange(sides, { up: bytes, down: bytes }, new Random());
      const record = await shop.recordOf(sides[0]);
      assert.equal(record.outcome, "completed");
      assert.deepEqual([record.bytesFromClient, record.bytesToClient], [bytes, bytes]);
    });
  }

  it(`carries ${parallel} connections at once, both ways, and mixes up none of them`, async () => {
    const random = new Random();
    const pairs: [TlsClient, SocketClient][] = [];
    for (let count = 0; count < parallel; count += 1) pairs.push(await pair());
    const sizeOf = (): number => random.size(1, 4 * mebibyte);
    await Promise.all(
      pairs.map((sides) => exchange(sides, { up: sizeOf(), down: sizeOf() }, random)),
    );
  });

  it("keeps what waits for clients that read nothing, whatever others are sent meanwhile", async () => {
    const random = new Random();
    // A worker under load reads of a busy endpoint whole buffers, of these now and then a little: both have to wait.
    const slowPairs: [TlsClient, SocketClient][] = [];
    for (let count = 0; count < slowClients; count += 1) slowPairs.push(await pair());
    const flows = slowPairs.map(([, server]) =>
      sendPattern(server.socket, slowBytes, () => random.size(1, 20_000)),
    );
    await Promise.all(flows.map((flow) => flow.untilStuck()));
    await exchange(await pair(), { up: mebibyte, down: 8 * mebibyte }, random);
    for (const [index, [client, server]] of slowPairs.entries()) {
      const ended = flows[index]?.sent.then(() => server.end());
      const digest = await client.read.digestToEnd(60_000);
      await ended;
      assert.deepEqual(digest, patternDigest(slowBytes), `seed ${random.seed}`);
      client.end();
    }
  });

  const ways: Readonly<Record<string, () => Promise<unknown>>> = {
    "a whole answer": async () => {
      const client = await shop.connect("brief");
      await client.read.digestToEnd();
      client.end();
    },
    "a reset by the client": async () => (await shop.connect("brief")).reset(),
    "a drop by the client": async () => (await shop.connect("brief")).drop(),
    "a reset by the endpoint": async () => {
      const client = await shop.connect("resetting");
      await client.send("go");
      await client.read.outcome();
    },
    "an endpoint that refuses": async () => (await shop.connect("nowhere")).read.outcome(),
    "a client that leaves before its ClientHello": async () =>
      (await rawConnect({ host: shop.ip, port: shop.portOf("brief") })).reset(),
    "bytes that are not TLS": async () => {
      const client = await rawConnect({ host: shop.ip, port: shop.portOf("brief") });
      await client.send("not TLS at all\n");
      await client.read.outcome();
    },
  };

  it("has as few files open after churn as before, however connections end", async () => {
    const pid = await shop.workerPid();
    for (const way of Object.values(ways)) await way();
    await shop.untilNoneOpen();
    const base = openFileCount(pid);
    for (let round = 0; round < churn; round += 1) {
      await Promise.all(
        Object.values(ways).flatMap((way) => Array.from({ length: churnAtOnce }, way)),
      );
    }
    await shop.untilNoneOpen();
    await shop.untilOpenFiles(base);
  });
});
