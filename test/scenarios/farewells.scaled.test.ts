import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { withOpenFileLimit } from "#harness/open-file-limit.ts";
import { openFileCount } from "#harness/process-facts.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { captureHello } from "#harness/tls-client.ts";

type Name = "tls" | "strict" | "redirect";

const startWith = async (engine: Engine, more: object): Promise<Shop<Name>> => {
  const { port: to } = await startEchoEndpoint();
  return startShop({
    engine,
    listeners: {
      tls: { to },
      strict: { to, strictServerName: true },
      redirect: { mode: "redirect", certificates: [] },
    },
    ...more,
  });
};

async function assertServed(shop: Shop<Name>): Promise<void> {
  const client = await shop.connect("tls");
  await client.send("hello\n");
  assert.equal(await client.read.until("\n"), "hello\n");
  client.end();
  await client.read.toEnd();
  await shop.recordOf(client);
}

/** The listener of each client, what the client sends, and how the answer begins that ends its connection. */
const words = async (): Promise<
  Readonly<Record<string, readonly [Name, bytes: string | Uint8Array, answer: string]>>
> => ({
  "plain HTTP": ["tls", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"],
  "SSL 2": ["tls", Buffer.from([0x80, 0x2e, 1, 0, 2, ...Array<number>(43).fill(0)]), "\x15\x03"],
  "another name": ["strict", await captureHello({ servername: "other.example" }), "\x15\x03"],
  "a request that is redirected": ["redirect", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 308"],
  "a request that is refused": ["redirect", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"],
});

forEachEngineIfLong("node", (engine) => {
  const hear = async (
    shop: Shop<Name>,
    [name, bytes, answer]: readonly [Name, string | Uint8Array, string],
  ): Promise<SocketClient> => {
    const client = await rawConnect({ host: shop.ip, port: shop.portOf(name) });
    await client.send(bytes);
    assert.equal((await client.read.bytes(answer.length)).toString("latin1"), answer);
    return client;
  };

  describe("the place of a connection is free as soon as the last words to its client are sent:", () => {
    let shop: Shop<Name>;
    let base: number;
    before(async () => {
      shop = await startWith(engine, { vnic: { qos: { maxConnections: 1 } } });
      base = openFileCount(await shop.workerPid());
    });

    for (const who of [
      "plain HTTP",
      "SSL 2",
      "another name",
      "a request that is redirected",
      "a request that is refused",
    ]) {
      it(who, async () => {
        const said = (await words())[who];
        assert.ok(said !== undefined);
        // They stay; each would be one too many.
        for (let count = 0; count < 10; count += 1) await hear(shop, said);
        await assertServed(shop);
        await shop.untilNoneOpen();
        await shop.untilOpenFiles(base);
      });
    }
  });

  it("clients that stay after the last words take no file that another needs", async () => {
    const places = 10;
    const listeners = 3;
    const openFileLimit = 128 + listeners + 2 * places;
    const shop = await startWith(engine, { prefix: withOpenFileLimit(openFileLimit) });
    const pid = await shop.workerPid();
    const base = openFileCount(pid);
    const said = (await words())["plain HTTP"];
    assert.ok(said !== undefined);
    let most = 0;
    for (let round = 0; round < 8; round += 1) {
      await Promise.all(Array.from({ length: places / 2 }, () => hear(shop, said)));
      most = Math.max(most, openFileCount(pid));
      await assertServed(shop);
    }
    assert.ok(most <= base + places, `${most - base} more files than before`);
    await shop.untilOpenFiles(base);
  });
});
