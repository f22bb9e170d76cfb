import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  dataOf,
  frameOf,
  headersOf,
  Http2Client,
  PREFACE,
  requestFieldsOf,
  settingsOf,
  untilSent,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { atOnce } from "../../live/in-slices.ts";
import { ERROR, FLAG, FRAME, MAX_31_BITS } from "./frames.ts";

const get = requestFieldsOf();
const post = requestFieldsOf({ ":method": "POST", "content-length": "100000" });
const pong = (client: Http2Client): Buffer =>
  frameOf(FRAME.ping, FLAG.ack, 0, client.framesOfType(FRAME.ping).at(-1)?.payload);

/** Answers the PING of the drain. Asserts that the client still gets the answer on stream 1, and then the end of the connection. */
async function assertServedAndEnded(http: MemoryHttp, client: Http2Client): Promise<void> {
  await client.send(pong(client));
  await http.endpoint().send(answerOf("ok"));
  await untilSent();
  assert.equal(client.bodyOf(1), "ok");
  assert.ok(client.peer.hasEnded);
  await client.peer.close();
}

describe("a session of a worker that drains", () => {
  it("serves what the client had opened before it knew, and then ends", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, get));
    const { h2 } = http.memory.plane.http;
    h2.drain();
    await untilSent();
    assert.deepEqual(client.goaways(), [[MAX_31_BITS, ERROR.none]]);
    await client.send(headersOf(3, get), pong(client));
    assert.deepEqual(client.goaways().at(-1), [3, ERROR.none]);
    await client.send(headersOf(5, get));
    assert.deepEqual(client.resetsOf(5), [ERROR.refusedStream]);
    for (const endpoint of http.endpoints) {
      // oxlint-disable-next-line no-await-in-loop
      await endpoint.send(answerOf("ok"));
    }
    await untilSent();
    assert.equal(client.bodyOf(1) + client.bodyOf(3), "okok");
    assert.ok(client.peer.hasEnded);
    await client.peer.close();
    await http.assertBase();
  });

  it("is also one whose listener has left the document, and others go on", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, get));
    const { h2 } = http.memory.plane.http;
    atOnce(h2.drainOutdated());
    await untilSent();
    assert.deepEqual(client.goaways(), []);
    http.listener.isDeparted = true;
    atOnce(h2.drainOutdated());
    await untilSent();
    assert.deepEqual(client.goaways(), [[MAX_31_BITS, ERROR.none]]);
    await assertServedAndEnded(http, client);
    const late = await Http2Client.connect(http);
    assert.deepEqual(late.goaways(), [[MAX_31_BITS, ERROR.none]]);
    late.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  });

  it("is also one whose server name has got another TLS identity", async () => {
    const http = await MemoryHttp.start();
    const { memory, listener } = http;
    const client = await Http2Client.connect(http, headersOf(1, get));
    const { h2 } = memory.plane.http;
    const { spec } = listener.rules;
    const change = async (policy: typeof spec.policy): Promise<void> => {
      listener.rules = (memory.listenerOf({ ...spec, policy }) as unknown as typeof listener).rules;
      atOnce(h2.drainOutdated());
      await untilSent();
    };
    await change({ ...spec.policy });
    assert.deepEqual(client.goaways(), []);
    await change({ ...spec.policy, minVersion: "TLSv1.2" });
    assert.deepEqual(client.goaways(), [[MAX_31_BITS, ERROR.none]]);
    await assertServedAndEnded(http, client);
    await http.assertBase();
  });

  it("gets GOAWAY at once if it begins only then", async () => {
    const http = await MemoryHttp.start();
    http.memory.plane.http.isDraining = true;
    const client = await Http2Client.connect(http, headersOf(1, get));
    assert.deepEqual(client.goaways(), [[MAX_31_BITS, ERROR.none]]);
    await assertServedAndEnded(http, client);
    await http.assertBase();
  });

  it("ends at once if it is idle and its client answers the PING, or after 5 s", async () => {
    for (const answers of [true, false]) {
      // oxlint-disable-next-line no-await-in-loop
      const http = await MemoryHttp.start();
      // oxlint-disable-next-line no-await-in-loop
      const client = await Http2Client.connect(http);
      http.memory.plane.http.h2.drain();
      // oxlint-disable-next-line no-await-in-loop
      await untilSent();
      // oxlint-disable-next-line no-await-in-loop
      if (answers) await client.send(pong(client));
      // oxlint-disable-next-line no-await-in-loop
      else await http.advance(5_200);
      assert.ok(client.peer.hasEnded);
      // oxlint-disable-next-line no-await-in-loop
      await client.peer.close();
      // oxlint-disable-next-line no-await-in-loop
      await http.assertBase();
    }
  });
});

describe("the deadlines of a session", () => {
  it("end a connection without the preface after 15 s", async () => {
    const http = await MemoryHttp.start();
    const peer = await http.connect("h2");
    peer.socket.write(PREFACE);
    await http.advance(15_200);
    assert.ok(peer.hasEnded);
    await peer.close();
    await http.assertBase();
  });

  it("end a connection that does not acknowledge SETTINGS for 10 s", async () => {
    const http = await MemoryHttp.start();
    const client = new Http2Client(await http.connect("h2"));
    await client.send(PREFACE, settingsOf());
    await http.advance(10_200);
    assert.deepEqual(client.goaways(), [[0, ERROR.settingsTimeout]]);
    await client.peer.close();
    await http.assertBase();
  });

  it("end a connection whose head is not whole after 15 s, whatever else it sends", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      headersOf(1, get),
      frameOf(FRAME.headers, 0, 3, "\u0082"),
    );
    await http.advance(14_000);
    assert.ok(!client.peer.hasEnded);
    await client.send(frameOf(FRAME.continuation, 0, 3, "\u0087"));
    await http.advance(1_200);
    assert.ok(client.peer.hasEnded);
    assert.deepEqual(client.goaways(), [[1, ERROR.protocol]]);
    assert.deepEqual(http.outcomes(), ["head-timeout"]);
    await client.peer.close();
    await http.assertBase();
  });

  it("end an idle connection after 75 s, which PING does not renew", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http);
    await http.advance(70_000);
    await client.send(frameOf(FRAME.ping, 0, 0, "12345678"));
    await http.advance(5_200);
    assert.ok(client.peer.hasEnded);
    await client.peer.close();
    await http.assertBase();
  });

  it("give 408 to a body that is too slow, and the other streams go on", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(http, headersOf(1, post, 0), dataOf(1, "x"));
    for (let second = 0; second < 31; second += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(windowUpdateOf(1, 1), frameOf(FRAME.ping, 0, 0, "12345678"));
      // oxlint-disable-next-line no-await-in-loop
      await http.advance(1_000);
    }
    assert.equal(client.headOf(1)[0], ":status: 408");
    assert.deepEqual(client.resetsOf(1), [ERROR.none]);
    await client.send(headersOf(3, get));
    await http.endpoint().send(answerOf("ok"));
    await untilSent();
    assert.equal(client.bodyOf(3), "ok");
    await client.peer.close();
    await http.assertBase();
  });
});
