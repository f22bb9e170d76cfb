import assert from "node:assert/strict";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { before, describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials } from "#harness/many-clients.ts";
import { limitOpenFiles } from "#harness/open-file-limit.ts";
import { descendantsOf, openFileCount, openFilesOf } from "#harness/process-facts.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { untilServing } from "#harness/worker-changes.ts";
import { processOf } from "#harness/worker-of.ts";

const goneMs = 20_000;
const channelFd = 3;
/** O_CLOEXEC, open(2). */
const closeOnExec = 0o2000000;
const plenty = 10_000;
const certificateMs = 30_000;
const workers = 2;

const lowestFreeFileOf = (pid: number): number => {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let free = 0;
  while (open.has(free)) free += 1;
  return free;
};

/** Lets the process open no more than `left` files. It may close others while the limit is set, e.g. pipes to a process that has ended. */
const leaveOpenFiles = (pid: number, left: number): Promise<boolean> =>
  eventually(async () => {
    const count = lowestFreeFileOf(pid) + left;
    await limitOpenFiles(pid, count);
    return lowestFreeFileOf(pid) + left >= count;
  });

const socketsOf = (pid: number): readonly string[] =>
  openFilesOf(pid).filter((link) => link.startsWith("socket:"));

describe("the control process", { concurrency: 2 }, () => {
  forEachEngineIfLong("node", (engine) => {
    let endpoint: Endpoint;

    before(async () => {
      endpoint = await startHttpEndpoint(servedText);
    });

    const start = (): Promise<Shop<"web">> =>
      startShop({ engine, workers, listeners: { web: { to: endpoint.port } } });

    it("shares a channel with each worker that no other process inherits", async () => {
      const { director } = await start();
      const [first, second] = await director.workerPids();
      assert.ok(first !== undefined && second !== undefined);
      const sockets = new Set(socketsOf(first));
      assert.deepEqual(
        socketsOf(second).filter((socket) => sockets.has(socket)),
        [],
      );
      for (const pid of [first, second]) {
        assert.match(readlinkSync(`/proc/${pid}/fd/${channelFd}`), /^socket:/);
        const info = readFileSync(`/proc/${pid}/fdinfo/${channelFd}`, "utf8");
        const flags = Number.parseInt(/^flags:\s+(\d+)/m.exec(info)?.[1] ?? "", 8);
        assert.notEqual(flags & closeOnExec, 0);
      }
    });

    it("without an open file left outlives a worker, and replaces it when there is one again", async () => {
      const shop = await start();
      const { director } = shop;
      const client = await shop.connect("web");
      await ask(client);
      const pids = (await untilServing(director, 2)).map(({ pid }) => pid);
      const sound = processOf(client, pids);
      const [victim] = pids.filter((pid) => pid !== sound);
      assert.ok(victim !== undefined);
      const from = director.logs.length;
      // Those that the killed worker gives back are not enough for another.
      await limitOpenFiles(director.pid, openFileCount(director.pid) - 3);
      process.kill(victim, "SIGKILL");
      const gone = (): number =>
        director.logs.slice(from).filter((line) => isEvent(line, "worker-gone")).length;
      await eventually(() => gone() >= 3, goneMs, "workers that could not be started");
      assert.equal(director.hasExited, false);
      await ask(client);
      await limitOpenFiles(director.pid, plenty);
      await untilServing(director, 2, [victim]);
      await ask(client);
      const lines = director.logs.slice(from).filter((line) => isEvent(line, "worker-gone"));
      assert.match(String(lines[1]?.["exit"]), /EMFILE/);
    });

    it("without an open file left refuses renewed certificates by name, and takes them when there are some again", async () => {
      const shop = await start();
      const { director } = shop;
      // A process that was started earlier could read and prove the renewed certificate without an open file more.
      const hasOnlyWorkers = (): boolean => descendantsOf(director.pid).length === workers;
      // Enough to open the files, and too few to start the process that reads them.
      for (const left of [1, 3]) {
        await eventually(hasOnlyWorkers, goneMs, "the end of the reader and of the prover");
        const from = director.logs.length;
        await leaveOpenFiles(director.pid, left);
        const renewed = await shop.ca.issue({ names: ["shop.example"] });
        await renewed.writeTo(director.dir, "shop");
        const line = await director.waitForLog(
          (one) => isEvent(one, "certificate-refused"),
          goneMs,
          from,
        );
        assert.equal(line["code"], "reader-failed");
        await limitOpenFiles(director.pid, plenty);
        const isShown = async (): Promise<boolean> =>
          (await shownSerials(shop.clientOf("web"), 2)).join() === renewed.serial;
        await eventually(isShown, certificateMs, "the renewed certificate");
      }
    });
  });
});
