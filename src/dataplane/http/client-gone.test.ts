import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerOf, MemoryHttp, requestOf, type MemoryHttpSettings } from "#harness/memory-http.ts";
import type { MemoryPeer } from "#harness/memory-plane.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";

const get = requestOf("GET /");
const upgrade = requestOf(
  "GET /",
  "upgrade: websocket",
  "connection: upgrade",
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version: 13",
);
const silent = (http: MemoryHttp): void => {
  http.memory.wire.silentAddresses.add("127.0.0.2:1");
};

interface Stage {
  readonly title: string;
  readonly settings?: MemoryHttpSettings;
  readonly prepare?: (http: MemoryHttp) => void;
  readonly request: string;
  /** Pieces that the endpoint answers, if it is connected. */
  readonly answers?: readonly string[];
}

const stages: readonly Stage[] = [
  { title: "before its first byte", request: "" },
  { title: "within a head", request: "GET / HTTP/1.1\r\nhost" },
  { title: "while an endpoint is connected", prepare: silent, request: get },
  {
    title: "while an endpoint is connected, with more requests behind",
    prepare: silent,
    request: get.repeat(3),
  },
  {
    title: "while the TLS handshake with an endpoint waits",
    settings: {
      spec: {
        endpointTls: {
          verify: false,
          serverName: undefined,
          trust: undefined,
          certificate: undefined,
        },
      },
    },
    prepare: (http) => {
      http.memory.wire.isTlsSilent = true;
    },
    request: get,
  },
  { title: "while the endpoint is silent", request: get },
  { title: "with more requests behind", request: get.repeat(3) },
  { title: "within a body", request: `${requestOf("POST /", "content-length: 9")}begin` },
  {
    title: "within a chunk",
    request: `${requestOf("POST /", "transfer-encoding: chunked")}9\r\nbegin`,
  },
  {
    title: "before a body that it announced",
    request: requestOf("POST /", "expect: 100-continue", "content-length: 9"),
  },
  { title: "within the head of the answer", request: get, answers: ["HTTP/1.1 200 O"] },
  {
    title: "within the body of the answer",
    request: get.repeat(2),
    answers: ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"],
  },
  {
    title: "within an answer that never ends",
    request: get,
    answers: ["HTTP/1.1 200 OK\r\n\r\nabc"],
  },
  { title: "between two requests", request: get, answers: [answerOf("x")] },
  {
    title: "between two requests, with an endpoint connection of its own",
    settings: { spec: { proxyProtocol: "v2" } },
    request: get,
    answers: [answerOf("x")],
  },
  { title: "in the second request", request: get.repeat(2), answers: [answerOf("x")] },
  { title: "while it is refused", request: "GET /\r\n\r\n" },
  { title: "while it waits for a WebSocket", request: `${upgrade}early` },
  {
    title: "within a WebSocket",
    request: upgrade,
    answers: [
      "HTTP/1.1 101 S\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello",
    ],
  },
];

type Way = (client: MemoryPeer, http: MemoryHttp) => void;
const ways: Readonly<Record<string, Way>> = {
  "breaks off": (client) => client.socket.reset(),
  closes: (client) => client.socket.destroy(),
  "has taken nothing and breaks off": (client) => {
    client.socket.pause();
    client.socket.reset();
  },
  "is cut by the drain deadline": (_client, http) => {
    http.memory.plane.connections.cutAll();
  },
};

describe("a client that goes", () => {
  for (const [way, leave] of Object.entries(ways)) {
    for (const { title, settings, prepare, request, answers = [] } of stages) {
      it(`leaves nothing behind when it ${way} ${title}`, async () => {
        const http = await MemoryHttp.start(settings);
        prepare?.(http);
        const client = await http.send(request);
        for (const answer of answers) {
          // oxlint-disable-next-line no-await-in-loop
          await http.endpoint().send(answer);
        }
        leave(client, http);
        await untilQuiet();
        // A client that has closed in order may still want its answers.
        if (way === "closes") await http.advance(400_000);
        // An endpoint that is still there may end a half-closed relay.
        for (const peer of http.endpoints) if (peer.hasEnded) peer.socket.end();
        await http.assertBase();
      });
    }
  }

  it("makes the endpoint see a break, never a whole request", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send(`${requestOf("POST /", "content-length: 9")}begin`);
    client.socket.reset();
    await untilQuiet();
    assert.equal(http.endpoint().failure, "reset");
    assert.deepEqual(http.outcomes(), ["client-aborted"]);
    await http.assertBase();
  });

  it("gets the end in order from the deadline of a drain if it waits for no answer, and else a reset", async () => {
    const http = await MemoryHttp.start();
    const idle = await http.send(get);
    await http.endpoint().send(answerOf(""));
    const waiting = await http.send(get);
    http.memory.plane.connections.cutAll();
    await untilQuiet();
    assert.deepEqual([idle.hasEnded, idle.failure], [true, undefined]);
    assert.equal(waiting.failure, "reset");
    await idle.close();
    await http.assertBase();
  });

  it("is recorded as drained if the deadline has cut it", async () => {
    const http = await MemoryHttp.start();
    const first = await http.send(get);
    await http.endpoint().send(answerOf(""));
    await first.send(get);
    http.memory.plane.connections.cutAll();
    await untilQuiet();
    assert.deepEqual(http.outcomes(), ["completed", "drained"]);
    assert.equal(http.endpoints.length, 1);
    await http.assertBase();
  });
});

describe("an endpoint that does not connect", () => {
  it("makes the client get 503, and its connection goes on", async () => {
    const http = await MemoryHttp.start();
    silent(http);
    const client = await http.send(get + get);
    await http.advance(5_100);
    assert.match(client.received, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
    http.memory.wire.silentAddresses.clear();
    await http.advance(5_100);
    await client.send(get);
    await http.endpoint().send(answerOf("later"));
    assert.ok(client.received.endsWith(answerOf("later")));
    await client.close();
    await http.assertBase();
  });
});

describe("draining", () => {
  it("ends each connection with its next answer", async () => {
    const http = await MemoryHttp.start();
    const idle = await http.send(get);
    await http.endpoint().send(answerOf("1"));
    http.memory.plane.http.isDraining = true;
    await untilQuiet();
    assert.ok(!idle.hasEnded);
    idle.take();
    await idle.send(get + get);
    await http.endpoint().send(answerOf("2"));
    await untilQuiet();
    assert.match(idle.received, /^HTTP\/1\.1 200 OK[^]*\r\nconnection: close\r\n\r\n2$/);
    assert.ok(idle.hasEnded);
    await idle.close();
    await http.assertBase();
  });
});

describe("the limit of the memory for slow peers", () => {
  it("ends the exchange of a client that takes no answer, in the middle of it or at its end", async () => {
    for (const end of ["", "x"]) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start();
      http.memory.plane.relayMemory.limitBytes = 100_000;
      // oxlint-disable-next-line no-await-in-loop
      const client = await http.send(get + get);
      client.socket.pause();
      // oxlint-disable-next-line no-await-in-loop
      await http.endpoint().send(answerOf(`${"x".repeat(200_000)}x`).slice(0, -1) + end);
      assert.ok(client.isClosed);
      assert.deepEqual(http.outcomes(), ["over-limit"]);
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });

  it("ends the exchange of an endpoint that takes no body", async () => {
    const http = await MemoryHttp.start();
    http.memory.plane.relayMemory.limitBytes = 100_000;
    const client = await http.send(requestOf("POST /", "content-length: 1000000"));
    http.endpoint().socket.pause();
    await client.send("x".repeat(200_000));
    assert.match(client.received, /^HTTP\/1\.1 503 /);
    assert.deepEqual(http.outcomes(), ["over-limit"]);
    await client.close();
    await http.assertBase();
  });
});
