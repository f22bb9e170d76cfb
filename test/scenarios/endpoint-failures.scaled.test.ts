import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { before, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { startUnresponsiveEndpoint } from "#harness/unresponsive-endpoint.ts";

const connectMs = 700;
/** Deadlines are looked at ten times a second. */
const tickMs = 150;

forEachEngineIfLong("node", (engine) => {
  let plain: Endpoint;
  let unix: Endpoint;
  let shop: Shop<"plain" | "unix" | "silent" | "greeting" | "resetting">;

  before(async () => {
    const host = uniqueVirtualIp();
    plain = await startEchoEndpoint({ host });
    const path = join(await makeTempFolder(), "endpoint.sock");
    unix = await startEchoEndpoint({ path });
    // Workers are nobody in particular.
    await chmod(path, 0o666);
    const silent = await startUnresponsiveEndpoint(host);
    const greeting = await startEndpoint((socket) => void socket.end("220 hello\n"), { host });
    const resetting = await startEndpoint((socket) => void socket.resetAndDestroy(), { host });
    shop = await startShop({
      engine,
      servers: { web: host },
      listeners: {
        plain: { to: plain.port, accessLog: "off" },
        unix: { to: `unix:${path}` },
        silent: { to: silent.port, timeouts: { connect: `${connectMs}ms` } },
        greeting: { to: greeting.port },
        resetting: { to: resetting.port },
      },
      more: { director: { paths: [path] } },
    });
  });

  const echo = async (listener: "plain" | "unix"): Promise<void> => {
    const client = await shop.connect(listener);
    await client.send("hello\n");
    assert.equal(await client.read.until("\n"), "hello\n");
    client.end();
  };

  const assertTurnedAway = async (
    listener: "plain" | "unix" | "silent",
    failure: string,
  ): Promise<number> => {
    const client = await shop.connect(listener);
    assert.equal(await client.read.outcome(), "ECONNRESET");
    // Told even where no access log is kept.
    const record = await shop.recordOf(client);
    assert.deepEqual([record.outcome, record.endpointFailure], ["endpoint-failed", failure]);
    assert.equal(record.endpoint, undefined);
    return record.durationMs;
  };

  it("resets the client of an endpoint that is down, says why, and serves as soon as it is up again", async () => {
    await echo("plain");
    await plain.close();
    // More often than it takes for the endpoint to count as down.
    for (let count = 0; count < 5; count += 1) await assertTurnedAway("plain", "refused");
    await plain.listen();
    await echo("plain");
    const cause = { cause: "refused" };
    await shop.untilMetric("tlsd_endpoint_connects_failed_total", 5, cause, "plain");
  });

  it("gives up at the connect deadline on an endpoint that does not answer", async () => {
    const durationMs = await assertTurnedAway("silent", "timeout");
    assert.ok(durationMs >= connectMs - tickMs, `${durationMs} ms`);
  });

  it("reaches an endpoint on a unix socket, also after it was down", async () => {
    await echo("unix");
    await unix.close();
    await assertTurnedAway("unix", "refused");
    await unix.listen();
    await chmod(unix.path ?? "", 0o666);
    await echo("unix");
  });

  it("passes on what an endpoint says before the client does", async () => {
    const client = await shop.connect("greeting");
    assert.equal((await client.read.toEnd()).toString(), "220 hello\n");
  });

  it("passes a reset by an endpoint that takes the connection and breaks off on to the client", async () => {
    const client = await shop.connect("resetting");
    assert.equal(await client.read.outcome(), "ECONNRESET");
    // Which of the two it is depends on when the RST comes.
    const { outcome, endpointFailure = "none" } = await shop.recordOf(client);
    assert.match(`${outcome} ${endpointFailure}`, /^(endpoint-reset none|endpoint-failed reset)$/);
  });

  it("resets the clients of a profile that lives on no server", async () => {
    await shop.setProfile({ servers: [] });
    try {
      await assertTurnedAway("plain", "none-configured");
    } finally {
      await shop.setProfile({});
    }
    await echo("plain");
  });
});
