import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dataOf, headersOf, requestFieldsOf, untilSent } from "#harness/http2-client.ts";
import { endpointSends, withSession } from "#harness/http2-session.ts";
import { answerOf } from "#harness/memory-http.ts";
import { ERROR, FLAG, FRAME } from "./frames.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const get = requestFieldsOf();
const post = (more: Readonly<Record<string, string>>) =>
  requestFieldsOf({ ":method": "POST", ...more });

describe("interim answers over HTTP/2", () => {
  const upload = post({ expect: "100-continue", "content-length": "4" });

  it(
    "of the endpoint are passed on before the final one",
    withSession(async (http, client) => {
      await client.send(headersOf(1, get));
      await endpointSends(http, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n");
      assert.deepEqual(client.blocks(), [[1, [":status: 103", "link: </a>"]]]);
      await endpointSends(http, answerOf("ok"));
      assert.deepEqual(client.blocks()[1]?.[1], [":status: 200", "date: now", "content-length: 2"]);
      assert.equal(client.bodyOf(1), "ok");
    }),
  );

  it(
    "keep their fields that the director sets in final answers, and lose those that it removes",
    withSession(
      async (http, client) => {
        await client.send(headersOf(1, get));
        const fields = "Link: </a>\r\nStrict-Transport-Security: max-age=1\r\nServer: x\r\n";
        await endpointSends(http, `HTTP/1.1 103 Early Hints\r\n${fields}\r\n`);
        await endpointSends(http, answerOf("", "Link: </b>", "Server: x"));
        assert.deepEqual(client.blocks(), [
          [1, [":status: 103", "link: </a>", "strict-transport-security: max-age=1"]],
          [
            1,
            [
              ...[":status: 200", "date: now", "content-length: 0"],
              ...["strict-transport-security: max-age=60", "link: ours"],
            ],
          ],
        ]);
      },
      {
        http: {
          hsts: "max-age=60",
          responseFields: { set: [["Link", "ours"]], remove: ["server"] },
        },
      },
    ),
  );

  it(
    "let a client that asks with Expect go on: that of the endpoint",
    withSession(async (http, client) => {
      await client.send(headersOf(1, upload, 0));
      assert.match(http.endpoint().take(), /\r\nexpect: 100-continue\r\n/);
      await endpointSends(http, CONTINUE);
      assert.deepEqual(client.headOf(1), [":status: 100"]);
      await client.send(dataOf(1, "body", FLAG.endStream));
      assert.equal(http.endpoint().take(), "body");
      await endpointSends(http, answerOf("ok"));
      assert.equal(client.bodyOf(1), "ok");
    }),
  );

  it(
    "let a client that asks with Expect go on: that of the director after 1 s",
    withSession(async (http, client) => {
      await client.send(headersOf(1, upload, 0));
      await http.advance(900);
      assert.deepEqual(client.blocks(), []);
      await http.advance(300);
      await untilSent();
      assert.deepEqual(client.headOf(1), [":status: 100"]);
      // A later one of the endpoint is not passed on.
      await endpointSends(http, CONTINUE);
      await client.send(dataOf(1, "body", FLAG.endStream));
      await endpointSends(http, answerOf("ok"));
      assert.deepEqual(
        client.blocks().map(([, [status]]) => status),
        [":status: 100", ":status: 200"],
      );
    }),
  );

  it(
    "of another number than 100 are counted: the 17th is a bad answer",
    withSession(async (http, client) => {
      await client.send(headersOf(1, get));
      await endpointSends(http, "HTTP/1.1 103 H\r\n\r\n".repeat(17));
      assert.equal(client.blocks().at(-1)?.[1][0], ":status: 502");
      assert.deepEqual(http.outcomes(), ["bad-answer"]);
    }),
  );
});

describe("an answer over HTTP/2", () => {
  it(
    "has the trailers of the endpoint, without those that may not be there",
    withSession(async (http, client) => {
      await client.send(headersOf(1, requestFieldsOf({ te: "trailers" })));
      await endpointSends(
        http,
        "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n",
      );
      assert.equal(client.bodyOf(1), "ok");
      assert.deepEqual(client.blocks().at(-1), [1, ["x-sum: 1"]]);
      const last = client.frames().at(-1);
      assert.deepEqual(
        [last?.type, last?.flags],
        [FRAME.headers, FLAG.endHeaders | FLAG.endStream],
      );
      assert.ok(!client.headOf(1).some((line) => line.startsWith("transfer-encoding")));
    }),
  );

  it(
    "ends with its head if there is no body and no trailer is left",
    withSession(async (http, client) => {
      await client.send(headersOf(1, get));
      await endpointSends(
        http,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 9\r\n\r\n",
      );
      const last = client.frames().at(-1);
      assert.deepEqual(
        [last?.type, last?.flags],
        [FRAME.headers, FLAG.endHeaders | FLAG.endStream],
      );
    }),
  );

  const bad: readonly (readonly [title: string, text: string])[] = [
    ["a name that is no token", "HTTP/1.1 200 OK\r\nx y: 1\r\ncontent-length: 0\r\n\r\n"],
    ["NUL in a value", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"],
    ["a pseudo-field", "HTTP/1.1 200 OK\r\n:status: 201\r\ncontent-length: 0\r\n\r\n"],
    ["an unasked upgrade", "HTTP/1.1 101 S\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"],
  ];
  for (const [title, text] of bad) {
    it(
      `is 502 if that of the endpoint has ${title}`,
      withSession(async (http, client) => {
        await client.send(headersOf(1, get));
        await endpointSends(http, text);
        assert.equal(client.headOf(1)[0], ":status: 502");
        assert.deepEqual(http.outcomes(), ["bad-answer"]);
        // The other streams go on.
        await client.send(headersOf(3, get));
        await endpointSends(http, answerOf("ok"));
        assert.equal(client.bodyOf(3), "ok");
      }),
    );
  }

  it(
    "has no body after HEAD, 204 and 304, and ends with its head",
    withSession(async (http, client) => {
      await client.send(headersOf(1, requestFieldsOf({ ":method": "HEAD" })));
      await endpointSends(http, "HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 9\r\n\r\n");
      assert.deepEqual(client.headOf(1), [":status: 200", "date: now", "content-length: 9"]);
      for (const [id, status] of [
        [3, 204],
        [5, 304],
      ] as const) {
        // oxlint-disable-next-line no-await-in-loop
        await client.send(headersOf(id, get));
        // oxlint-disable-next-line no-await-in-loop
        await endpointSends(http, `HTTP/1.1 ${status} X\r\ndate: now\r\n\r\n`);
        assert.deepEqual(client.headOf(id), [`:status: ${status}`, "date: now"]);
      }
      assert.equal(client.framesOfType(FRAME.data).length, 0);
      const ends = client.framesOfType(FRAME.headers).map(({ flags }) => flags & FLAG.endStream);
      assert.deepEqual(ends, [1, 1, 1]);
    }),
  );

  it(
    "has the fields that the listener sets, lacks those that it removes, and has Date",
    withSession(
      async (http, client) => {
        await client.send(headersOf(1, get), headersOf(3, requestFieldsOf({ ":path": "" })));
        await endpointSends(
          http,
          "HTTP/1.1 200 OK\r\nServer: web\r\nX-A: theirs\r\nContent-Length: 0\r\n\r\n",
        );
        const [status, length, date, ...set] = client.headOf(1);
        assert.deepEqual([status, length], [":status: 200", "content-length: 0"]);
        assert.match(date ?? "", /^date: \w{3}, \d\d /);
        const fields = ["strict-transport-security: max-age=60", "x-a: ours"];
        assert.deepEqual(set, fields);
        // An answer of the director has them too.
        await client.send(headersOf(5, post({})));
        http.endpoint().socket.reset();
        await untilSent();
        const own = client.headOf(5);
        assert.equal(own[0], ":status: 502");
        assert.deepEqual(own.slice(-2), fields);
      },
      {
        http: {
          hsts: "max-age=60",
          responseFields: { set: [["X-A", "ours"]], remove: ["server"] },
        },
      },
    ),
  );

  it(
    "that comes before the whole request is sent, and the client is told to stop",
    withSession(async (http, client) => {
      await client.send(headersOf(1, post({ "content-length": "100" }), 0), dataOf(1, "begin"));
      await endpointSends(http, answerOf("no").replace("200 OK", "413 Content Too Large"));
      assert.equal(client.headOf(1)[0], ":status: 413");
      assert.equal(client.bodyOf(1), "no");
      assert.deepEqual(client.resetsOf(1), [ERROR.none]);
      assert.ok(http.endpoint().isClosed);
      // What was under way is ignored.
      await client.send(dataOf(1, "more"), headersOf(3, get));
      await endpointSends(http, answerOf("ok"));
      assert.equal(client.bodyOf(3), "ok");
    }),
  );

  it(
    "that is cut off resets the stream after what has arrived",
    withSession(async (http, client) => {
      await client.send(headersOf(1, get));
      await endpointSends(http, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
      http.endpoint().socket.reset();
      await untilSent();
      assert.equal(client.bodyOf(1), "half");
      assert.deepEqual(client.resetsOf(1), [ERROR.internal]);
      assert.deepEqual(http.outcomes(), ["endpoint-broke-off"]);
    }),
  );
});
