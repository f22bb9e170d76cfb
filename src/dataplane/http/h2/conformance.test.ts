import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Expected } from "#harness/http2-case.ts";
import { HTTP2_FRAME_CASES } from "#harness/http2-frame-cases.ts";
import { HTTP2_MUST_CASES } from "#harness/http2-must-cases.ts";
import { HTTP2_STREAM_CASES } from "#harness/http2-stream-cases.ts";
import { frameOf, framesOf, Http2Client, PREFACE, untilSent } from "#harness/http2-client.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { ERROR, FLAG, FRAME } from "./frames.ts";

function assertGot(client: Http2Client, http: MemoryHttp, expected: Expected): void {
  const { kind } = expected;
  const closing = client.goaways().map(([, code]) => code);
  assert.deepEqual(closing, kind === "goaway" ? [expected.code] : []);
  switch (kind) {
    case "goaway":
      assert.ok(client.peer.hasEnded);
      break;
    case "reset":
      assert.deepEqual(client.resetsOf(expected.streamId), [expected.code]);
      break;
    case "answer":
      assert.match(client.headOf(expected.streamId)[0] ?? "", /^:status: 200$/);
      break;
    case "request":
      assert.ok(http.endpoint().received.includes(expected.text));
      break;
    case "frame": {
      const { type, flags, payload } = expected;
      const got = client.framesOfType(type).map((frame) => [frame.flags, String(frame.payload)]);
      assert.deepEqual(got.at(-1), [flags, String(payload)]);
      break;
    }
    case "lengths":
      assert.deepEqual(
        client.framesOfType(FRAME.data).map(({ payload }) => payload.length),
        expected.lengths,
      );
      break;
    case "ignored":
      assert.deepEqual(client.framesOfType(FRAME.rstStream), []);
      break;
    default:
      expected satisfies never;
  }
}

// The cases are numbered as in the public suite h2spec.
describe("a server of HTTP/2", () => {
  for (const lends of [false, true]) {
    for (const { name, frames, afterAnswer, expected } of [
      ...HTTP2_STREAM_CASES,
      ...HTTP2_FRAME_CASES,
      ...HTTP2_MUST_CASES,
    ]) {
      it(`${name}${lends ? ", in lent chunks" : ""}`, async () => {
        const http = await MemoryHttp.start({ lends });
        const client = await Http2Client.connect(http, ...frames);
        if (http.endpoints.length === 1) {
          const isHead = http.endpoint().received.startsWith("HEAD");
          await http.endpoint().send(isHead ? answerOf("") : answerOf("whole"));
        }
        await untilSent();
        if (afterAnswer !== undefined) await client.send(...afterAnswer);
        assertGot(client, http, expected);
        await client.peer.close();
        await http.assertBase();
      });
    }
  }

  for (const [title, bytes] of [
    ["3.5/2 an invalid preface", Buffer.from("INVALID PREFACE\r\n\r\n")],
    ["a preface without SETTINGS", Buffer.concat([PREFACE, frameOf(FRAME.ping, 0, 0, "12345678")])],
    [
      "a preface with an acknowledgement",
      Buffer.concat([PREFACE, frameOf(FRAME.settings, FLAG.ack, 0)]),
    ],
  ] as const) {
    it(title, async () => {
      const http = await MemoryHttp.start();
      const peer = await http.connect("h2");
      peer.socket.write(bytes);
      await untilSent();
      const goaway = framesOf(Buffer.from(peer.received, "latin1")).at(-1);
      assert.equal(goaway?.type, FRAME.goaway);
      assert.equal(goaway.payload.readUInt32BE(4), ERROR.protocol);
      assert.ok(peer.hasEnded);
      await peer.close();
      await http.assertBase();
    });
  }
});
