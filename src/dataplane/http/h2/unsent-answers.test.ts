import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  dataOf,
  headersOf,
  Http2Client,
  requestFieldsOf,
  resetOf,
  settingsOf,
  untilSent,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { acceptWebSocket, webSocketFieldsOf } from "#harness/http2-web-socket.ts";
import { answerOf, MemoryHttp } from "#harness/memory-http.ts";
import { cutConnection } from "../../connection/finish.ts";
import { ERROR, FLAG, SETTING } from "./frames.ts";

const get = requestFieldsOf();
const post = requestFieldsOf({ ":method": "POST" });
const MINUTE_MS = 60_000;

interface Begun {
  readonly http: MemoryHttp;
  readonly client: Http2Client;
}

/** Stream 1 was sent 10 bytes of an answer of 1,000, and its endpoint is done. Stream 3 is an upload, which has a wide window. */
async function begin(): Promise<Begun> {
  const http = await MemoryHttp.start();
  const client = await Http2Client.connect(
    http,
    settingsOf([SETTING.initialWindowSize, 10]),
    headersOf(1, get),
  );
  await http.endpoint().send(answerOf("x".repeat(1_000)));
  await client.send(headersOf(3, post, 0), windowUpdateOf(3, 10_000));
  await untilSent();
  return { http, client };
}

/** What the lines of ended exchanges say. */
function linesOf(http: MemoryHttp): readonly (readonly [string, number])[] {
  http.outcomes();
  return http.memory.exchanges.map(({ outcome, bodyBytesToClient }) => [
    outcome,
    bodyBytesToClient,
  ]);
}

async function end({ http, client }: Begun): Promise<void> {
  client.peer.socket.reset();
  await untilSent();
  await http.assertBase();
}

describe("an answer that is whole, but was not sent whole", () => {
  it("is reported when the client has taken it", async () => {
    const begun = await begin();
    const { http, client } = begun;
    assert.deepEqual(http.outcomes(), []);
    await http.advance(5_000);
    await client.send(windowUpdateOf(1, 1_000));
    assert.equal(client.bodyOf(1).length, 1_000);
    assert.deepEqual(linesOf(http), [["completed", 1_000]]);
    const [line] = http.memory.exchanges;
    assert.ok(line !== undefined && line.durationMs >= 5_000);
    assert.equal(line.endpoint, "web 127.0.0.2:1");
    await end(begun);
  });

  it("is dropped with its stream after 300 s in which the client took nothing, and the others go on", async () => {
    const begun = await begin();
    const { http, client } = begun;
    for (let minute = 1; minute <= 4; minute += 1) {
      // What other streams take and send renews nothing.
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(3, "y".repeat(100)));
      // oxlint-disable-next-line no-await-in-loop
      await http.advance(MINUTE_MS);
    }
    await http.endpoint().send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok");
    await untilSent();
    assert.deepEqual([client.bodyOf(3), client.resetsOf(1)], ["ok", []]);
    await http.advance(MINUTE_MS + 400);
    assert.deepEqual([client.resetsOf(1), client.goaways()], [[ERROR.cancel], []]);
    assert.deepEqual(linesOf(http), [["idle", 10]]);
    await client.send(dataOf(3, "z", FLAG.endStream));
    await http.endpoint().send("ay");
    await untilSent();
    assert.equal(client.bodyOf(3), "okay");
    assert.deepEqual(linesOf(http), [
      ["idle", 10],
      ["completed", 4],
    ]);
    await end(begun);
  });

  it("is not dropped while the client takes a part of it now and then", async () => {
    const begun = await begin();
    const { http, client } = begun;
    for (let part = 1; part <= 4; part += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await http.advance(4 * MINUTE_MS);
      // oxlint-disable-next-line no-await-in-loop
      await client.send(windowUpdateOf(1, 10), dataOf(3, "y"));
    }
    assert.equal(client.bodyOf(1).length, 50);
    assert.deepEqual([client.resetsOf(1), http.outcomes()], [[], []]);
    await end(begun);
    assert.deepEqual(linesOf(http)[0], ["client-aborted", 50]);
  });

  it("is counted as broken off by the client that resets its stream", async () => {
    const begun = await begin();
    await begun.client.send(resetOf(1, ERROR.cancel));
    assert.deepEqual(linesOf(begun.http), [["client-aborted", 10]]);
    await end(begun);
  });

  it("is counted with what was sent, also if the endpoint was not done, and in a WebSocket", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 10]),
      headersOf(1, get),
    );
    await http.endpoint().send(answerOf("x".repeat(1_000)).slice(0, -1));
    await client.send(resetOf(1, ERROR.cancel), headersOf(3, webSocketFieldsOf(), 0));
    await acceptWebSocket(http, "x".repeat(1_000));
    await client.send(resetOf(3, ERROR.cancel));
    assert.equal(client.bodyOf(3).length, 10);
    const lines = linesOf(http);
    assert.deepEqual(lines[0], ["client-aborted", 10]);
    assert.deepEqual(lines[1], ["upgraded", 10]);
    await end({ http, client });
  });

  it("is dropped at the deadline of a drain, and counted so", async () => {
    const begun = await begin();
    for (const connection of begun.http.memory.plane.connections.all())
      cutConnection(connection, "drained");
    assert.deepEqual(linesOf(begun.http)[0], ["drained", 10]);
    await end(begun);
  });

  it("is one of the director too: a refusal that the client does not take resets its stream only", async () => {
    const http = await MemoryHttp.start();
    const client = await Http2Client.connect(
      http,
      settingsOf([SETTING.initialWindowSize, 0]),
      headersOf(1, requestFieldsOf({ ":method": "TRACE" })),
      headersOf(3, post, 0),
    );
    assert.equal(client.headOf(1)[0], ":status: 405");
    for (let minute = 1; minute <= 5; minute += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await client.send(dataOf(3, "y"));
      // oxlint-disable-next-line no-await-in-loop
      await http.advance(MINUTE_MS);
    }
    await http.advance(400);
    assert.deepEqual([client.resetsOf(1), client.goaways()], [[ERROR.cancel], []]);
    assert.deepEqual([client.resetsOf(3), linesOf(http)], [[], [["refused", 0]]]);
    await end({ http, client });
  });
});
