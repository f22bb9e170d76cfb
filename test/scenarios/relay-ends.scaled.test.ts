import assert from "node:assert/strict";
import { before, it } from "node:test";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { opensslClient } from "#harness/clients.ts";
import { eventually } from "#harness/deadline.ts";
import { startHalfCloseEndpoint, startSourceEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { patternBytes, patternDigest } from "#harness/pattern.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { SocketClient } from "#harness/socket-client.ts";
import type { TlsClient, TlsConnectOptions } from "#harness/tls-client.ts";

const longBytes = 3_000_000;
/** More than the kernel takes on the way from one side to the other. */
const endlessBytes = 40_000_000;
/** The error of a write after a FIN and a RST, in this order. */
const resetAfterEnd = "EPIPE";

forEachEngineIfLong("bun", (engine) => {
  let endpoint: AcceptingEndpoint;
  let shop: Shop<"driven" | "counting" | "brief">;

  before(async () => {
    endpoint = await startAcceptingEndpoint();
    const counting = await startHalfCloseEndpoint((received) =>
      Buffer.concat([Buffer.from(`${received.length}\n`), patternBytes(longBytes)]),
    );
    const brief = await startSourceEndpoint(100);
    shop = await startShop({
      engine,
      listeners: {
        driven: { to: endpoint.endpoint.port },
        counting: { to: counting.port },
        brief: { to: brief.port },
      },
    });
  });

  const pair = (options?: TlsConnectOptions): Promise<[TlsClient, SocketClient]> =>
    endpoint.meet(() => shop.connect("driven", options));

  /** Starts to send more than fits anywhere, and resolves when nothing more is taken for the moment. */
  const fill = async (from: SocketClient): Promise<void> => {
    void from.send(patternBytes(endlessBytes)).catch(() => undefined);
    await eventually(() => from.socket.bytesWritten > longBytes);
  };

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`delivers the whole answer to a client that has ended its half, ${version}`, async () => {
      const client = await shop.connect("counting", { maxVersion: version });
      const sent = client.send(patternBytes(200_000));
      client.end();
      assert.equal(await client.read.until("\n"), "200000\n");
      await sent;
      assert.deepEqual(await client.read.digestToEnd(), patternDigest(longBytes));
      assert.equal((await shop.recordOf(client)).outcome, "completed");
    });

    it(`delivers the whole request to an endpoint that has ended its half, ${version}`, async () => {
      const [client, server] = await pair({ maxVersion: version });
      server.socket.end("enough");
      assert.equal((await client.read.toEnd()).toString(), "enough");
      const sent = client.send(patternBytes(longBytes));
      client.end();
      assert.deepEqual(await server.read.digestToEnd(), patternDigest(longBytes));
      await sent;
      assert.equal((await shop.recordOf(client)).outcome, "completed");
    });

    it(`tells a client of the end by close_notify, ${version}`, async () => {
      const run = await opensslClient([
        ...["-connect", `${shop.ip}:${shop.portOf("brief")}`, "-ign_eof"],
        version === "TLSv1.2" ? "-tls1_2" : "-tls1_3",
      ]);
      // Without close_notify, OpenSSL 3 says "unexpected eof while reading".
      assert.doesNotMatch(run.output, /unexpected eof|errno/);
      assert.match(run.output, /closed$/m);
    });
  }

  it("passes a reset of the client in mid-request on as a reset", async () => {
    const [client, server] = await pair();
    await client.send(patternBytes(100_000));
    await server.read.bytes(100_000);
    client.reset();
    assert.equal(await server.read.outcome(), "ECONNRESET");
    assert.equal((await shop.recordOf(client)).outcome, "client-reset");
  });

  it("notices a client that resets as soon as its handshake is done", async () => {
    const client = await shop.connect("counting");
    client.reset();
    assert.equal((await shop.recordOf(client)).outcome, "client-reset");
  });

  it("passes a reset of the client in mid-answer on as a reset, and the endpoint stops", async () => {
    const errorsBefore = endpoint.endpoint.errors.length;
    const [client, server] = await pair();
    client.end();
    await server.read.toEnd();
    await fill(server);
    await client.read.bytes(100_000);
    client.reset();
    await eventually(() => server.socket.destroyed);
    assert.deepEqual(endpoint.endpoint.errors.slice(errorsBefore), [resetAfterEnd]);
    assert.equal((await shop.recordOf(client)).outcome, "client-reset");
  });

  it("passes a reset of the endpoint on to a client that is held back", async () => {
    const [client, server] = await pair();
    await fill(client);
    await server.read.bytes(100_000);
    server.reset();
    assert.equal(await client.read.outcome(), "ECONNRESET");
    assert.equal((await shop.recordOf(client)).outcome, "endpoint-reset");
  });

  it("takes the FIN of a client that drops TCP without close_notify for its end", async () => {
    const [client, server] = await pair();
    await client.send("hello");
    await server.read.bytes(5);
    client.drop();
    assert.equal(await server.read.outcome(), "end");
    server.end();
    assert.equal((await shop.recordOf(client)).outcome, "completed");
  });

  it("resets the endpoint that goes on sending to a client that dropped TCP", async () => {
    const errorsBefore = endpoint.endpoint.errors.length;
    const [client, server] = await pair();
    await fill(server);
    await client.read.bytes(100_000);
    client.drop();
    await eventually(() => server.socket.destroyed);
    // Whether its write or its read is the first to meet the reset.
    assert.match(endpoint.endpoint.errors.slice(errorsBefore).join(), /^(ECONNRESET|EPIPE)$/);
    assert.equal((await shop.recordOf(client)).outcome, "client-reset");
  });

  for (const requestBytes of [50_000, endlessBytes]) {
    it(`gives the whole answer of an endpoint that closes without reading ${requestBytes / 1000} KB`, async () => {
      const request = patternBytes(requestBytes);
      for (const bytes of [1, 1_000, 50_000, 1, 1_000, 50_000]) {
        const [client, server] = await pair();
        void client.send(request).catch(() => undefined);
        await eventually(() => server.socket.bytesRead > 0);
        // What is unread in its kernel makes the close a RST, after the answer and its FIN.
        server.socket.end(patternBytes(bytes), () => server.drop());
        assert.deepEqual(await client.read.digestToEnd(), patternDigest(bytes));
        client.reset();
      }
    });
  }
});
