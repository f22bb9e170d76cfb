import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { PlannedCut, ToControl } from "#protocol/messages.ts";
import { OperatorRequests } from "#dataplane/connection/operator-requests.ts";
import { PlannedCuts } from "#dataplane/connection/planned-cuts.ts";
import {
  dataOf,
  headersOf,
  Http2Client,
  requestFieldsOf,
  resetOf,
  untilSent,
} from "#harness/http2-client.ts";
import { endpointSends, withSession } from "#harness/http2-session.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { ERROR } from "./frames.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const get = requestFieldsOf();
const post = requestFieldsOf({ ":method": "POST" });
const tunnel = requestFieldsOf({
  ":method": "CONNECT",
  ":protocol": "websocket",
  "sec-websocket-version": "13",
});

const bodies = (client: Http2Client, ...ids: readonly number[]): readonly string[] =>
  ids.map((id) => client.bodyOf(id));

describe("a connection to an endpoint that has the PROXY header of a session", () => {
  const announced = { spec: { proxyProtocol: "v1" as const } };

  it(
    "serves the streams of this session one after the other, and no other client",
    withSession(async (http, client) => {
      const other = await Http2Client.connect(http, headersOf(1, get));
      await client.send(headersOf(1, get), headersOf(3, post));
      const ports = [other, client, client].map(({ peer }) => peer.socket.localPort);
      for (const [at, port] of ports.entries()) {
        assert.ok(
          http.endpoint(at).take().startsWith(`PROXY TCP4 192.0.2.1 127.0.0.1 ${port} 1\r\n`),
        );
        // oxlint-disable-next-line no-await-in-loop
        await endpointSends(http, answerOf(`${at}`), at);
      }
      assert.equal(http.memory.plane.http.pools.idleCount, 0);
      // One after the other on a connection that is there, without another PROXY header.
      await client.send(headersOf(5, get), headersOf(7, get));
      assert.equal(http.endpoints.length, 3);
      assert.deepEqual([http.endpoint(1).take(), http.endpoint(2).take()], [GET, GET]);
      assert.equal(http.endpoint(0).received, "");
      await client.send(headersOf(9, get));
      assert.match(http.endpoint(3).take(), /^PROXY /);
      other.peer.socket.reset();
      await untilSent();
      assert.ok(http.endpoint(0).hasEnded && !http.endpoint(1).hasEnded);
    }, announced),
  );

  it(
    "ends with the session, and not before",
    withSession(async (http, client) => {
      await client.send(headersOf(1, get));
      await endpointSends(http, answerOf("1"), 0);
      await http.advance(60_000);
      assert.ok(!http.endpoint().hasEnded);
      await client.peer.close();
      await untilSent();
      assert.ok(http.endpoint().hasEnded);
    }, announced),
  );
});

describe("a connection to an endpoint that authenticates a session", () => {
  it(
    "is used by the streams of this session only: the answer challenged with NTLM",
    withSession(async (http, client) => {
      await client.send(headersOf(1, get));
      http.endpoint().take();
      await endpointSends(http, answerOf("1", "WWW-Authenticate: NTLM"), 0);
      const other = await Http2Client.connect(http, headersOf(1, get));
      assert.equal(http.endpoints.length, 2);
      assert.equal(http.endpoint(0).take(), "");
      await client.send(headersOf(3, post));
      assert.match(http.endpoint(0).take(), /^POST /);
      await endpointSends(http, answerOf("3"), 0);
      await http.advance(10_000);
      assert.ok(!http.endpoint(0).hasEnded);
      await client.peer.close();
      await untilSent();
      assert.ok(http.endpoint(0).hasEnded);
      other.peer.socket.reset();
      await untilSent();
    }),
  );

  it(
    "is used by the streams of this session only: the request had Negotiate",
    withSession(async (http, client) => {
      await client.send(headersOf(1, requestFieldsOf({ authorization: "Negotiate abc" })));
      await endpointSends(http, answerOf("1"), 0);
      assert.equal(http.memory.plane.http.pools.idleCount, 0);
      const other = await Http2Client.connect(http, headersOf(1, get));
      assert.equal(http.endpoints.length, 2);
      other.peer.socket.reset();
      await untilSent();
    }),
  );
});

describe("a stream whose endpoint closes before its answer", () => {
  /** Puts a connection into the pool. */
  async function fillPool(http: MemoryHttp, client: Http2Client): Promise<void> {
    await client.send(headersOf(1, get));
    await endpointSends(http, answerOf("1"), 0);
    http.endpoint().take();
    assert.equal(http.memory.plane.http.pools.idleCount, 1);
  }

  it(
    "is sent once more on a fresh connection, and other streams go on",
    withSession(async (http, client) => {
      await fillPool(http, client);
      await client.send(headersOf(3, get), headersOf(5, get));
      assert.equal(http.endpoint(0).take(), GET);
      http.endpoint(0).socket.reset();
      await untilSent();
      await endpointSends(http, answerOf("5"), 1);
      assert.equal(http.endpoint(2).take(), GET);
      await endpointSends(http, answerOf("3"), 2);
      assert.deepEqual(bodies(client, 3, 5), ["3", "5"]);
      http.memory.outcomes();
      assert.deepEqual(
        http.memory.exchanges.map(({ retried }) => retried),
        [undefined, undefined, true],
      );
    }),
  );

  it(
    "gets 502 if it cannot be repeated, or a byte of the answer has come",
    withSession(async (http, client) => {
      await fillPool(http, client);
      await client.send(headersOf(3, post));
      http.endpoint(0).socket.reset();
      await untilSent();
      await client.send(headersOf(5, get));
      await http.endpoint(1).send("H");
      http.endpoint(1).socket.reset();
      await untilSent();
      assert.deepEqual(
        [client.headOf(3)[0], client.headOf(5)[0]],
        [":status: 502", ":status: 502"],
      );
      assert.equal(http.endpoints.length, 2);
    }),
  );

  it("that is the first one of its session and cannot be repeated uses no idle connection", async () => {
    const http = await MemoryHttp.start();
    const first = await Http2Client.connect(http, headersOf(1, get));
    await endpointSends(http, answerOf("1"), 0);
    const second = await Http2Client.connect(http, headersOf(1, post));
    assert.equal(http.endpoints.length, 2);
    for (const client of [first, second]) client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });
});

describe("a stream for which the worker may open no more connections", () => {
  it(
    "gets 503, and one that comes after an answer is served",
    withSession(async (http, client) => {
      http.memory.plane.maxConnections = 3;
      const ids = [1, 3, 5, 7];
      await client.send(...ids.map((id) => headersOf(id, get)));
      assert.equal(http.endpoints.length, 3);
      assert.equal(client.headOf(7)[0], ":status: 503");
      await endpointSends(http, answerOf("1"), 0);
      await client.send(headersOf(9, get), headersOf(11, post));
      assert.deepEqual(
        [http.endpoint(0).received.match(/GET/g)?.length, http.endpoints.length],
        [2, 3],
      );
      assert.equal(client.headOf(11)[0], ":status: 503");
      // An idle connection makes room for one of another kind.
      await endpointSends(http, answerOf("9"), 0);
      http.memory.plane.http.pools.keepOnly(new Set(), new Set());
      await client.send(headersOf(13, post));
      assert.equal(http.endpoints.length, 4);
      assert.deepEqual(http.outcomes(), [
        "endpoint-failed",
        "completed",
        "endpoint-failed",
        "completed",
      ]);
      http.memory.outcomes();
      assert.equal(http.memory.exchanges[0]?.endpointFailure, "busy");
    }),
  );

  it(
    "gets 503 also if the others still wait for theirs",
    withSession(async (http, client) => {
      http.memory.plane.maxConnections = 3;
      http.memory.wire.silentAddresses.add("127.0.0.2:1");
      await client.send(...[1, 3, 5, 7].map((id) => headersOf(id, get)));
      assert.deepEqual(
        client.blocks().map(([id, [status]]) => [id, status]),
        [[7, ":status: 503"]],
      );
    }),
  );
});

describe("a stream that the client resets", () => {
  it(
    "counts as concurrent until its exchange at the endpoint has ended",
    withSession(async (http, client) => {
      http.memory.wire.silentAddresses.add("127.0.0.2:1");
      const health = http.memory.healths.of("127.0.0.2:1");
      for (let round = 0; round < 30; round += 1) {
        const ids = Array.from({ length: 5 }, (_, number) => 2 * (5 * round + number) + 1);
        // oxlint-disable-next-line no-await-in-loop
        await client.send(...ids.flatMap((id) => [headersOf(id, get), resetOf(id, ERROR.cancel)]));
        assert.ok(health.connecting + health.openConnections <= 5);
      }
      assert.equal(health.connecting + health.openConnections, 0);
      assert.deepEqual(client.goaways(), []);
    }),
  );

  it(
    "ends its exchange and its use of the endpoint at once",
    withSession(async (http, client) => {
      await client.send(headersOf(1, post, 0), dataOf(1, "abc"), headersOf(3, get));
      await client.send(resetOf(1, ERROR.cancel));
      assert.equal(http.endpoint(0).failure, "reset");
      assert.equal(http.memory.healths.of("127.0.0.2:1").openConnections, 1);
      assert.deepEqual(http.outcomes(), ["client-aborted"]);
      await endpointSends(http, answerOf("3"), 1);
      assert.equal(client.bodyOf(3), "3");
    }),
  );
});

describe("a server that is drained while sessions use it", () => {
  const serverOf = (number: number): SnapshotEndpoint => ({
    kind: "tcp",
    server: `web-${number}`,
    address: "127.0.0.2",
    port: number,
    weight: 1,
  });
  const two = { spec: { endpoints: [serverOf(1), serverOf(2)] } };

  async function cut(http: MemoryHttp, wanted: Omit<PlannedCut, "number" | "inMs">) {
    const sent: unknown[] = [];
    const cuts = new PlannedCuts({
      plane: http.memory.plane,
      send: (message) => void sent.push(message),
    });
    cuts.replace([{ number: 7, inMs: 0, ...wanted }]);
    await untilSent();
    return sent;
  }

  it(
    "ends the streams on this server, in each stage, and not the others",
    withSession(async (http, client) => {
      const second = await http.memory.startEndpoint("127.0.0.2", 2);
      // Streams take turns between the servers: 1, 5 and 9 are on the first one.
      await client.send(headersOf(1, get), headersOf(3, get), headersOf(5, get));
      await client.send(headersOf(7, get), headersOf(9, tunnel, 0));
      const [, begun, upgraded] = http.endpoints;
      assert.deepEqual([http.endpoints.length, second.length], [3, 2]);
      await begun?.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
      assert.match(upgraded?.take() ?? "", /upgrade: websocket/);
      await untilSent();
      const sent = await cut(http, { server: "web-1", except: [] });
      assert.deepEqual(sent, [{ type: "cut-at-deadline", number: 7, cut: 1 }]);
      assert.equal(client.headOf(1)[0], ":status: 503");
      assert.equal(client.bodyOf(5), "half");
      assert.deepEqual(client.resetsOf(5), [ERROR.internal]);
      assert.equal(client.headOf(9)[0], ":status: 503");
      assert.deepEqual(
        http.endpoints.map(({ failure }) => failure),
        ["reset", "reset", "reset"],
      );
      assert.equal(http.memory.healths.of("127.0.0.2:1").openConnections, 0);
      for (const peer of second) {
        // oxlint-disable-next-line no-await-in-loop
        await peer.send(answerOf("other"));
      }
      await untilSent();
      assert.deepEqual(bodies(client, 3, 7), ["other", "other"]);
      assert.deepEqual(client.goaways(), []);
      assert.deepEqual(http.outcomes(), [
        ...["server-drained", "server-drained", "server-drained"],
        ...["completed", "completed"],
      ]);
    }, two),
  );

  it(
    "is one of those by which an operator finds and cuts a session",
    withSession(async (http, client) => {
      await http.memory.startEndpoint("127.0.0.2", 2);
      await client.send(headersOf(1, get), headersOf(3, get));
      const operatorCuts = (server: string): Promise<unknown> =>
        new Promise((resolve) => {
          const { plane } = http.memory;
          const send = (message: ToControl): "sent" => {
            resolve(message);
            return "sent";
          };
          const requests = new OperatorRequests({ plane, send });
          requests.receive({ type: "cut-connections", number: 3, filter: { server } });
        });
      assert.deepEqual(await operatorCuts("web-3"), { type: "cut", number: 3, cut: 0 });
      assert.deepEqual(await operatorCuts("web-1"), { type: "cut", number: 3, cut: 1 });
      assert.ok(client.peer.isClosed);
      assert.deepEqual(http.outcomes(), ["cut-by-operator", "cut-by-operator"]);
    }, two),
  );

  it(
    "is not known to a session that has no stream on it",
    withSession(async (http, client) => {
      await http.memory.startEndpoint("127.0.0.2", 2);
      await client.send(headersOf(1, get));
      assert.deepEqual(await cut(http, { server: "web-2", except: [] }), []);
      assert.deepEqual(client.blocks(), []);
      await endpointSends(http, answerOf("1"), 0);
      // An idle session is on no server.
      assert.deepEqual(await cut(http, { server: "web-1", except: [] }), []);
    }, two),
  );
});
