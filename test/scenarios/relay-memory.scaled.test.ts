import assert from "node:assert/strict";
import { before, it } from "node:test";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { startSourceEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { sendPattern } from "#harness/flow.ts";
import { patternDigest } from "#harness/pattern.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { SocketClient } from "#harness/socket-client.ts";
import type { TlsClient } from "#harness/tls-client.ts";

/** Room for a few stalled downloads. Each holds what the engine reads at once, and at least the mark of 64 KiB. */
const relayMemoryKib = { bun: 2048, node: 512 } as const;
const leastHeldKib = 64;
const stalledBytes = 60_000_000;
const goodBytes = 5_000_000;
const quietMs = 400;

interface Stalled {
  readonly client: TlsClient;
  readonly server: SocketClient;
}

forEachEngineIfLong("node", (engine) => {
  let endpoint: AcceptingEndpoint;
  let shop: Shop<"stalled" | "good">;

  before(async () => {
    endpoint = await startAcceptingEndpoint();
    const source = await startSourceEndpoint(goodBytes);
    shop = await startShop({
      engine,
      listeners: { stalled: { to: endpoint.endpoint.port }, good: { to: source.port } },
      more: { director: { relayMemory: `${relayMemoryKib[engine]}KiB` } },
    });
  });

  /** A download whose client reads nothing, once it has stopped. */
  const stall = async (): Promise<Stalled> => {
    const [client, server] = await endpoint.meet(() => shop.connect("stalled"));
    const flow = sendPattern(server.socket, stalledBytes);
    void flow.sent.then(
      () => server.end(),
      () => undefined,
    );
    await flow.untilStuck(quietMs);
    return { client, server };
  };

  const shedPorts = (): readonly unknown[] =>
    shop.director.logs
      .filter((line) => line["outcome"] === "relay-memory")
      .map((line) => line["clientPort"]);

  const download = async (): Promise<void> => {
    const client = await shop.connect("good");
    assert.deepEqual(await client.read.digestToEnd(), patternDigest(goodBytes));
    client.end();
  };

  it("sheds those that have been stuck longest when the relays hold too much, and serves clients that read", async () => {
    const stalled: Stalled[] = [];
    while (shedPorts().length < 2) {
      assert.ok(stalled.length <= relayMemoryKib[engine] / leastHeldKib + 2, "nothing was shed");
      stalled.push(await stall());
      await download();
    }
    const [first, second, ...others] = stalled;
    assert.deepEqual(shedPorts().slice(0, 2), [
      first?.client.clientPort,
      second?.client.clientPort,
    ]);
    assert.equal(await first?.client.read.outcome(), "ECONNRESET");
    assert.equal(await first?.server.read.outcome(), "ECONNRESET");
    assert.ok(others.length > 1);
    const last = others.at(-1);
    assert.deepEqual(await last?.client.read.digestToEnd(), patternDigest(stalledBytes));
  });
});
