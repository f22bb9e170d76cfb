import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blockOf, dataOf, frameOf, headersOf, requestFieldsOf } from "#harness/http2-client.ts";
import { withSession } from "#harness/http2-session.ts";
import { MemoryHttp } from "#harness/memory-http.ts";
import { ERROR, FLAG, FRAME } from "./frames.ts";

type Fields = Readonly<Record<string, string | undefined>>;
type Pairs = readonly (readonly [name: string, value: string])[];

const get = requestFieldsOf();
const post = (more: Fields = {}): Pairs => requestFieldsOf({ ":method": "POST", ...more });

describe("a request of HTTP/2, as the endpoint gets it", () => {
  it(
    "has the crumbs of Cookie joined in their order, also those that were never indexed",
    withSession(async (http, client) => {
      const neverIndexed = Buffer.of(0x1f, 0x11, 3, 0x63, 0x3d, 0x33);
      const crumbs: Pairs = [
        ["cookie", "a=1"],
        ["accept", "x"],
        ["cookie", "b=2"],
      ];
      const block = Buffer.concat([blockOf([...get, ...crumbs]), neverIndexed]);
      await client.send(frameOf(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, block));
      assert.equal(
        http.endpoint().take(),
        "GET / HTTP/1.1\r\nhost: a\r\naccept: x\r\ncookie: a=1; b=2; c=3\r\n\r\n",
      );
    }),
  );

  for (const [title, crumbs, isWebSocket] of [
    ["two of them crumbs of Cookie", 2, false],
    ["all of them crumbs of Cookie", 100, false],
    ["for a WebSocket, without Cookie", 0, true],
    ["for a WebSocket, with crumbs of Cookie", 30, true],
  ] as const) {
    it(
      `has up to 100 fields: ${title}`,
      withSession(async (http, client) => {
        const pseudo = isWebSocket
          ? requestFieldsOf({ ":method": "CONNECT", ":protocol": "websocket" })
          : get;
        const version: Pairs = isWebSocket ? [["sec-websocket-version", "13"]] : [];
        const withFields = (count: number): Pairs => [
          ...pseudo,
          ...version,
          ...Array.from({ length: crumbs }, () => ["cookie", "a=1"] as const),
          ...Array.from({ length: count - crumbs - version.length }, () => ["x", "1"] as const),
        ];
        const flags = isWebSocket ? 0 : FLAG.endStream;
        await client.send(headersOf(1, withFields(100), flags));
        const received = http.endpoint().take();
        const joined = crumbs === 0 ? [] : [Array.from({ length: crumbs }, () => "a=1").join("; ")];
        assert.deepEqual(received.match(/(?<=cookie: ).*(?=\r)/g) ?? [], joined);
        assert.equal(received.match(/^x: 1/gm)?.length ?? 0, 100 - crumbs - version.length);
        assert.equal(/^sec-websocket-key: .{22}==\r$/m.test(received), isWebSocket);
        await client.send(headersOf(3, withFields(101), flags));
        assert.equal(client.headOf(3)[0], ":status: 431");
      }),
    );
  }

  it(
    "has Content-Length 0 if its method has a body and it ends at once, and otherwise none",
    withSession(async (http, client) => {
      for (const [at, method] of ["POST", "PUT", "PATCH", "GET", "DELETE"].entries()) {
        // oxlint-disable-next-line no-await-in-loop
        await client.send(headersOf(2 * at + 1, requestFieldsOf({ ":method": method })));
        const hasLength = at < 3 ? "content-length: 0\r\n" : "";
        assert.equal(http.endpoint().take(), `${method} / HTTP/1.1\r\nhost: a\r\n${hasLength}\r\n`);
      }
    }),
  );

  it(
    "is for the whole server if it is OPTIONS of `*`, and keeps its query",
    withSession(async (http, client) => {
      const options = requestFieldsOf({ ":method": "OPTIONS", ":path": "*" });
      await client.send(headersOf(1, options));
      assert.equal(http.endpoint().take(), "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
      await client.send(headersOf(3, requestFieldsOf({ ":path": "/a?b=%20c" })));
      assert.equal(http.endpoint().take(), "GET /a?b=%20c HTTP/1.1\r\nhost: a\r\n\r\n");
    }),
  );

  it(
    "has Host in the place of :authority if the client sent only Host, and keeps TE",
    withSession(async (http, client) => {
      await client.send(headersOf(1, requestFieldsOf({ ":authority": undefined, host: "b" })));
      assert.equal(http.endpoint().take(), "GET / HTTP/1.1\r\nhost: b\r\n\r\n");
      await client.send(headersOf(3, requestFieldsOf({ host: "A", te: "trailers" })));
      assert.match(http.endpoint().take(), /^GET \/ HTTP\/1\.1\r\nhost: a\r\n/);
    }),
  );

  it(
    "says who the client is, whatever an untrusted client says",
    withSession(
      async (http, client) => {
        const spoofed = {
          "x-forwarded-for": "10.0.0.1",
          x_forwarded_proto: "http",
          forwarded: "for=10.0.0.1",
          "x-real-ip": "10.0.0.1",
          "x-request-id": "mine",
          "client-cert": ":AAAA:",
          "x-tls-version": "none",
        };
        await client.send(headersOf(1, requestFieldsOf(spoofed)));
        assert.equal(
          http.endpoint().take(),
          "GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: https\r\nx-forwarded-port: 1\r\nx-forwarded-host: a\r\n\r\n",
        );
      },
      { http: { forwarded: "x-forwarded" } },
    ),
  );

  it(
    "has its trailers, without those that may not be there",
    withSession(async (http, client) => {
      await client.send(headersOf(1, post(), 0), dataOf(1, "abc"));
      http.endpoint().take();
      await client.send(
        headersOf(1, [
          ["x-sum", "1"],
          ["authorization", "x"],
          ["x-end", "2"],
        ]),
      );
      assert.equal(http.endpoint().take(), "0\r\nx-sum: 1\r\nx-end: 2\r\n\r\n");
    }),
  );

  it(
    "has the trailers that waited for the endpoint",
    withSession(async (http, client) => {
      await client.send(headersOf(1, post(), 0), dataOf(1, "abc"), headersOf(1, [["x-sum", "1"]]));
      assert.match(http.endpoint().take(), /\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n$/);
    }),
  );
});

describe("the length of a request of HTTP/2", () => {
  const lengths: readonly (readonly [title: string, frames: readonly Buffer[]])[] = [
    ["ends early with END_STREAM", [dataOf(1, "abc", FLAG.endStream)]],
    ["ends early with empty DATA", [dataOf(1, "abc"), dataOf(1, "", FLAG.endStream)]],
    ["ends early with trailers", [dataOf(1, "abc"), headersOf(1, [["x-sum", "1"]])]],
    ["is exceeded", [dataOf(1, "abcdef")]],
    ["is exceeded by a second frame", [dataOf(1, "abcde"), dataOf(1, "f", FLAG.endStream)]],
  ];
  for (const isConnected of [true, false]) {
    for (const [title, frames] of lengths) {
      it(
        `resets the stream and the endpoint if it ${title}, ${isConnected ? "with" : "before"} a connected endpoint`,
        withSession(async (http, client) => {
          if (!isConnected) http.memory.wire.silentAddresses.add("127.0.0.2:1");
          await client.send(headersOf(1, post({ "content-length": "5" }), 0));
          await client.send(...frames);
          assert.deepEqual(client.resetsOf(1), [ERROR.protocol]);
          if (isConnected) assert.equal(http.endpoint().failure, "reset");
          assert.deepEqual(http.outcomes(), ["client-aborted"]);
          assert.equal(http.memory.exchanges[0]?.rule, "wrong-length");
        }),
      );
    }
  }

  it(
    "may be announced by a request that ends at once only if it is 0",
    withSession(async (http, client) => {
      await client.send(headersOf(1, post({ "content-length": "1" })));
      assert.deepEqual(client.resetsOf(1), [ERROR.protocol]);
      await client.send(headersOf(3, post({ "content-length": "0" })));
      assert.deepEqual(client.resetsOf(3), []);
      assert.match(http.endpoint().take(), /\r\ncontent-length: 0\r\n\r\n$/);
    }),
  );
});

describe("a request of HTTP/2 that is malformed", () => {
  const malformed: readonly (readonly [title: string, fields: Pairs])[] = [
    ["another scheme", requestFieldsOf({ ":scheme": "http" })],
    ["a path without slash", requestFieldsOf({ ":path": "a" })],
    ["a fragment", requestFieldsOf({ ":path": "/a#b" })],
    ["a blank in the path", requestFieldsOf({ ":path": "/a b" })],
    ["a tab in the path", requestFieldsOf({ ":path": "/a\tb" })],
    ["the path `*` of GET", requestFieldsOf({ ":path": "*" })],
    ["an absolute path", requestFieldsOf({ ":path": "https://a/" })],
    ["a method that is no token", requestFieldsOf({ ":method": "GE T" })],
    ["differing hosts", requestFieldsOf({ host: "b" })],
    ["two hosts", [...get, ["host", "a"], ["host", "a"]]],
    ["no host", requestFieldsOf({ ":authority": undefined })],
    ["user information in :authority", requestFieldsOf({ ":authority": "a@b" })],
    ["an empty :authority", requestFieldsOf({ ":authority": "" })],
    [":authority twice", [...get, [":authority", "a"]]],
    ["Transfer-Encoding", requestFieldsOf({ "transfer-encoding": "chunked" })],
    ["Upgrade", requestFieldsOf({ upgrade: "websocket" })],
    ["Keep-Alive", requestFieldsOf({ "keep-alive": "1" })],
    ["Proxy-Connection", requestFieldsOf({ "proxy-connection": "keep-alive" })],
    ["TE with more", requestFieldsOf({ te: "trailers, gzip" })],
    ["CR in a value", requestFieldsOf({ x: "a\rb" })],
    ["LF in a value", requestFieldsOf({ x: "a\nb" })],
    ["NUL in a value", requestFieldsOf({ x: "a\0b" })],
    ["a blank before a value", requestFieldsOf({ x: " a" })],
    ["a tab after a value", requestFieldsOf({ x: "a\t" })],
    ["a colon in a name", requestFieldsOf({ "x:y": "a" })],
    ["a blank in a name", requestFieldsOf({ "x y": "a" })],
    ["an empty name", [...get, ["", "a"]]],
    ["a line break in a name", requestFieldsOf({ "x\r\ny": "a" })],
    ["two lengths", [...get, ["content-length", "0"], ["content-length", "0"]]],
    ["a list of lengths", requestFieldsOf({ "content-length": "0, 0" })],
    ["a length with a sign", requestFieldsOf({ "content-length": "+0" })],
    [":protocol of a method that is not CONNECT", requestFieldsOf({ ":protocol": "websocket" })],
  ];
  for (const [title, fields] of malformed) {
    it(
      `has its stream reset, and the endpoint gets nothing: ${title}`,
      withSession(async (http, client) => {
        await client.send(headersOf(1, fields), headersOf(3, get));
        assert.deepEqual(client.resetsOf(1), [ERROR.protocol]);
        assert.equal(http.endpoints.length, 1);
        assert.equal(http.endpoint().take(), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert.deepEqual(client.goaways(), []);
      }),
    );
  }
});

describe("the preface of HTTP/2 on a connection that has not negotiated it", () => {
  it("is answered with 400", async () => {
    const http = await MemoryHttp.start();
    const client = await http.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert.match(client.received, /^HTTP\/1\.1 400 /);
    assert.ok(client.hasEnded);
    await client.close();
    await http.assertBase();
  });
});
