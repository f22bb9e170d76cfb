import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { findEngine } from "#control/workers/find-engine.ts";
import { compileCache } from "#harness/compile-cache.ts";
import { eventually } from "#harness/deadline.ts";
import { forEachEngine, type Engine } from "#harness/engines.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { LIMITS_OF_CONTROL } from "./channel-limits.ts";
import { Channel } from "./channel.ts";
import type { ToControl, ToWorker } from "./messages.ts";
import { openStreamPipe } from "./stream-pipe.ts";
import { WORKER_PIPE_FD } from "./worker-pipe.ts";

const program = fileURLToPath(new URL("../../test/fixtures/echo-worker.ts", import.meta.url));
const MIB = 1_048_576;

interface EchoWorker {
  readonly child: ChildProcess;
  readonly pipe: Socket;
  readonly channel: Channel<ToWorker>;
  readonly heard: ToControl[];
}

function startEchoWorker(engine: Engine): EchoWorker {
  const { file, flags } = findEngine({
    wanted: engine,
    nodeFile: process.execPath,
    arch: process.arch,
  });
  const stdio = ["ignore", "inherit", "inherit", "pipe"] as const;
  const child = spawn(file, [...flags, program], { stdio: [...stdio], env: compileCache });
  closeAtTestEnd(() => void child.kill("SIGKILL"));
  const pipe = child.stdio[WORKER_PIPE_FD];
  assert.ok(pipe instanceof Socket);
  const heard: ToControl[] = [];
  const channel = new Channel<ToWorker>(LIMITS_OF_CONTROL, {
    onMessage: (message) => heard.push(message as ToControl),
    onMalformed: (text) => assert.fail(text),
    onClose: () => undefined,
  });
  channel.attach(openStreamPipe(pipe, channel));
  return { child, pipe, channel, heard };
}

const healthOf = (...down: readonly string[]): ToWorker => ({ type: "health", down });

describe("the channel of a worker", { concurrency: 2 }, () => {
  forEachEngine((engine) => {
    it("takes as many messages as a snapshot of 10,000 certificates has, a few at a time", async () => {
      const { channel, heard } = startEchoWorker(engine);
      const count = 250;
      const messages = 120;
      const down = Array.from({ length: count }, () => "\n".repeat(500));
      let mostWaiting = 0;
      for (let at = 0; at < messages; at += 1) {
        assert.equal(channel.send(healthOf(...down)), "sent");
        mostWaiting = Math.max(mostWaiting, channel.waitingBytes);
        await channel.untilDrained();
      }
      assert.ok(channel.sentBytes > 28 * MIB && mostWaiting < MIB, `${mostWaiting}`);
      await eventually(() => heard.length === messages, 20_000, "all answers");
      assert.ok(heard.every((message) => message.type === "drained" && message.cut === count));
    });

    it("loses nothing of what may wait while this process does not read", async () => {
      const { channel, pipe, heard } = startEchoWorker(engine);
      assert.equal(channel.send(healthOf("first")), "sent");
      await eventually(() => heard.length === 1, 20_000, "an answer");
      pipe.pause();
      assert.equal(channel.send(healthOf("flood")), "sent");
      assert.equal(channel.send(healthOf("last", "of", "all")), "sent");
      await eventually(() => channel.waitingBytes === 0, 20_000, "both are taken");
      pipe.resume();
      await eventually(
        () => heard.at(-1)?.type === "drained" && heard.length > 2,
        20_000,
        "the last",
      );
      const notices = heard.filter((message) => message.type === "notice");
      assert.ok(notices.every(({ text }) => text.length === 100_000));
      const bytes = notices.length * 100_000;
      assert.ok(bytes > 4_000_000 && bytes < 6_000_000, `${bytes}`);
      assert.deepEqual(heard.at(-1), { type: "drained", cut: 3 });
    });

    it("that the other side closes is told at once, also with bytes on their way", async () => {
      const { child, channel, pipe, heard } = startEchoWorker(engine);
      assert.equal(channel.send(healthOf("first")), "sent");
      await eventually(() => heard.length === 1, 20_000, "an answer");
      pipe.pause();
      assert.equal(channel.send(healthOf("flood")), "sent");
      const exited = once(child, "exit");
      channel.close();
      assert.deepEqual(await exited, [0, null]);
    });
  });
});
