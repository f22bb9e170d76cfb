import assert from "node:assert/strict";
import { test } from "node:test";
import type { BytePipe } from "./byte-pipe.ts";
import { Channel } from "./channel.ts";
import { LINES_HEADER_BYTES } from "./line-frames.ts";

const LIMITS = { maxFrameBytesOut: 1_000, maxFrameBytesIn: 1_000, maxWaitingBytes: 100 };

interface Message {
  readonly text: string;
}

class FakePipe implements BytePipe {
  readonly written: Buffer[] = [];
  waitingBytes = 0;
  isClosed = false;
  write(bytes: Buffer): boolean {
    this.written.push(bytes);
    this.waitingBytes += bytes.length;
    return true;
  }
  close(): void {
    this.isClosed = true;
  }
}

function makeChannel() {
  const told: unknown[] = [];
  const channel: Channel<Message> = new Channel<Message>(LIMITS, {
    onMessage: (message) => told.push(message),
    onMalformed: (text) => told.push(`malformed: ${text}`),
    onClose: () => told.push("closed"),
  });
  const pipe = new FakePipe();
  channel.attach(pipe);
  return { channel, pipe, told };
}

const framed = (bytes: Uint8Array): Buffer => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes.length);
  return Buffer.concat([header, bytes]);
};

/** Has room for the header in front, as `sendLines` wants it. */
const linesOf = (text: string): Buffer =>
  Buffer.concat([Buffer.alloc(LINES_HEADER_BYTES), Buffer.from(text)]);

test("access lines go in frames of their own, between messages", () => {
  const sender = makeChannel();
  assert.equal(sender.channel.send({ text: "before" }), "sent");
  assert.equal(sender.channel.sendLines(linesOf("{}\nä\n")), "sent");
  assert.equal(sender.channel.send({ text: "after" }), "sent");
  const told: unknown[] = [];
  const receiver = new Channel<Message>(LIMITS, {
    onMessage: (message) => told.push(message),
    onLines: (lines) => told.push(lines.toString()),
    onMalformed: (text) => told.push(text),
    onClose: () => undefined,
  });
  receiver.onData(Buffer.concat(sender.pipe.written));
  assert.deepEqual(told, [{ text: "before" }, "{}\nä\n", { text: "after" }]);
});

test("access lines are malformed where none are expected", () => {
  const sender = makeChannel();
  const receiver = makeChannel();
  sender.channel.sendLines(linesOf("{}\n"));
  receiver.channel.onData(Buffer.concat(sender.pipe.written));
  assert.deepEqual(receiver.told, ["malformed: a frame that is not JSON"]);
});

test("access lines have the bounds of messages", () => {
  const { channel, pipe } = makeChannel();
  assert.equal(channel.sendLines(linesOf("x".repeat(1_000))), "too-large");
  assert.equal(pipe.written.length, 0);
  assert.equal(channel.sendLines(linesOf("x".repeat(900))), "sent");
  assert.equal(channel.sendLines(linesOf("x".repeat(900))), "full");
  channel.close();
  channel.onClose();
  assert.equal(channel.sendLines(linesOf("x")), "closed");
});

test("what one channel sends, another takes", () => {
  const sender = makeChannel();
  const receiver = makeChannel();
  const messages = [{ text: "ä\u2028\ud83d\ude00" }, { text: "" }];
  for (const message of messages) assert.equal(sender.channel.send(message), "sent");
  receiver.channel.onData(Buffer.concat(sender.pipe.written));
  assert.deepEqual(receiver.told, messages);
});

test("a message over the bound is not sent, nor is any part of it", () => {
  const { channel, pipe } = makeChannel();
  assert.equal(channel.send({ text: "x".repeat(1_000) }), "too-large");
  // Bytes count, not characters.
  assert.equal(channel.send({ text: "ä".repeat(600) }), "too-large");
  assert.equal(pipe.written.length, 0);
});

test("one large message may wait, and little besides it", () => {
  const { channel, pipe } = makeChannel();
  assert.equal(channel.send({ text: "x".repeat(900) }), "sent");
  assert.equal(channel.send({ text: "x".repeat(50) }), "sent");
  assert.equal(channel.send({ text: "x".repeat(50) }), "full");
  assert.equal(channel.send({ text: "x".repeat(900) }), "full");
  pipe.waitingBytes = 0;
  assert.equal(channel.send({ text: "x".repeat(900) }), "sent");
});

test("many small messages may wait until they are too many", () => {
  const { channel } = makeChannel();
  let sent = 0;
  while (channel.send({ text: "x" }) === "sent") sent += 1;
  assert.ok(sent > 5 && sent < 15, `${sent}`);
});

for (const [what, bytes] of [
  ["not JSON", Buffer.from("{garbage}")],
  ["not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ["two values", Buffer.from("{}{}")],
] as const) {
  test(`a frame that is ${what} is malformed, and nothing is read after it`, () => {
    const { channel, told } = makeChannel();
    const sound = framed(Buffer.from("{}"));
    channel.onData(Buffer.concat([sound, framed(bytes), sound]));
    channel.onData(sound);
    assert.deepEqual(told, [{}, "malformed: a frame that is not JSON"]);
  });
}

test("a message that is nested too deeply is malformed before it is parsed", () => {
  const told: unknown[] = [];
  const limits = { ...LIMITS, maxDepthIn: 3 };
  const channel = new Channel<Message>(limits, {
    onMessage: (message) => told.push(message),
    onMalformed: (text) => told.push(text),
    onClose: () => undefined,
  });
  for (const text of ['{"a":[{}],"b":[[],[]]}', '{"a":"[[[[\\"{{{{"}']) {
    channel.onData(framed(Buffer.from(text)));
  }
  assert.equal(told.length, 2);
  channel.onData(framed(Buffer.from('{"a":[{"b":[]}]}')));
  assert.equal(told[2], "a frame with too many values in one another");
});

test("a length out of bounds is malformed", () => {
  const { channel, told } = makeChannel();
  channel.onData(Buffer.from("{garbage\n"));
  assert.deepEqual(told, ["malformed: a frame of 2070372722 bytes"]);
});

test("a channel that is closed delivers and sends nothing more, and says once that it is closed", () => {
  const { channel, pipe, told } = makeChannel();
  channel.close();
  assert.ok(pipe.isClosed);
  channel.onData(framed(Buffer.from("{}")));
  channel.onClose();
  channel.onClose();
  assert.deepEqual(told, ["closed"]);
  assert.equal(channel.send({ text: "x" }), "closed");
});

test("nesting of any depth that fits is read, and __proto__ is a name like others", () => {
  const { channel, told } = makeChannel();
  channel.onData(framed(Buffer.from("[".repeat(500) + "]".repeat(500))));
  channel.onData(framed(Buffer.from('{"__proto__":{"isAdmin":true}}')));
  assert.equal(told.length, 2);
  assert.deepEqual(Object.keys(told[1] as object), ["__proto__"]);
  assert.equal(Reflect.get({}, "isAdmin"), undefined);
});
