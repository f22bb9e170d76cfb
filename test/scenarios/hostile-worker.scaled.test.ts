import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { before, describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { makeHostileProgram, type HostileProgram } from "#harness/hostile-program.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials } from "#harness/many-clients.ts";
import { isAlive, openFileCount, statusFieldOf } from "#harness/process-facts.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { TlsClient } from "#harness/tls-client.ts";
import { inCgroup, makeUnitCgroup, removeUnitCgroupAtTestEnd } from "#harness/unit-cgroup.ts";
import { untilServing } from "#harness/worker-changes.ts";
import { processOf } from "#harness/worker-of.ts";
import { DEEDS, DONE, type DeedName } from "../fixtures/hostile-worker.ts";

const MIB = 1_048_576;
/** So many are hostile at a time, and one more stays sound. */
const hostileAtOnce = 4;
const goneMs = 40_000;
/** What the control process may grow by, whatever it is sent. A taken-over worker sends it 512 MB and more. */
const mostGrowthBytes = 160 * MIB;

/** The most memory that a process ever had. proc(5) */
const peakBytesOf = (pid: number): number =>
  1_024 * Number.parseInt(statusFieldOf(pid, "VmHWM"), 10);

interface Site {
  readonly shop: Shop<"web">;
  readonly program: HostileProgram;
  readonly client: TlsClient;
  readonly workers: number;
  readonly soundPid: number;
  readonly openFiles: number;
  readonly peakBytes: number;
}

async function startSite(
  engine: Engine,
  endpoint: Endpoint,
  hostile = hostileAtOnce,
  prefix: readonly string[] = [],
): Promise<Site> {
  const workers = hostile + 1;
  const program = await makeHostileProgram();
  const shop = await startShop({
    engine,
    workers,
    listeners: { web: { to: endpoint.port } },
    program: program.path,
    prefix,
  });
  const { director } = shop;
  const client = await shop.connect("web");
  await ask(client);
  const pids = (await untilServing(director, workers)).map(({ pid }) => pid);
  return {
    ...{ shop, program, client, workers, soundPid: processOf(client, pids) },
    openFiles: openFileCount(director.pid),
    peakBytes: peakBytesOf(director.pid),
  };
}

/** Each deed by a worker of its own, all at once. */
async function suffer(site: Site, names: readonly DeedName[]): Promise<void> {
  const { shop, program, soundPid } = site;
  const { director } = shop;
  const from = director.logs.length;
  const workers = await untilServing(director, site.workers);
  const hostile = workers.filter(({ pid }) => pid !== soundPid);
  const sufferOne = async (name: DeedName, at: number): Promise<void> => {
    const worker = hostile[at];
    assert.ok(worker !== undefined);
    await program.order(worker.pid, name);
    const { fate } = DEEDS[name];
    const isTold = (line: Readonly<Record<string, unknown>>): boolean =>
      fate === "lives"
        ? line["msg"] === `${worker.pid} ${DONE}`
        : isEvent(line, "worker-gone") && line["worker"] === worker.id;
    const line = await director.waitForLog(isTold, goneMs, from).catch((cause: unknown) => {
      throw new Error(`A worker that ${name} was not told of.`, { cause });
    });
    if (fate === "lives") return;
    assert.ok(fate.split(" or ").includes(String(line["cause"])), `a worker that ${name}`);
  };
  await Promise.all(names.map(sufferOne));

  const victims = names.flatMap((name, at) => (DEEDS[name].fate === "lives" ? [] : [at]));
  const gone = victims.map((at) => hostile[at]?.pid ?? 0);
  await ask(site.client);
  const after = await untilServing(director, site.workers, gone);
  const stayed = after.filter(({ id }) => workers.some((worker) => worker.id === id));
  assert.equal(stayed.length, workers.length - gone.length);
  await ask(site.client);
  assert.equal((await shownSerials(shop.clientOf("web"))).length, 1);
  const sayFiles = (): string => `${openFileCount(director.pid)} files, of ${site.openFiles}`;
  await eventually(() => openFileCount(director.pid) <= site.openFiles, 10_000, sayFiles);
  const grownBytes = peakBytesOf(director.pid) - site.peakBytes;
  assert.ok(grownBytes <= mostGrowthBytes, `grew by ${grownBytes / MIB} MiB`);
  for (const { value } of (await director.metrics()).samples) assert.ok(value < 1e15);
}

const names = Object.keys(DEEDS) as DeedName[];
const leavers: readonly DeedName[] = [
  "leaves a process behind that holds its pipes",
  "leaves a process of another session behind",
];
/** It takes ten seconds until they count as hung. */
const sleepers = names.filter((name) => DEEDS[name].fate === "hung");
const others = names.filter((name) => !leavers.includes(name) && !sleepers.includes(name));
const ofRuntime = others.filter((name) => DEEDS[name].isOfRuntime === true);
const messages = others.filter((name) => DEEDS[name].isOfRuntime !== true);
const someMessages = scaled({
  short: messages.filter((_, at) => at % 4 === 0),
  long: messages,
});

async function sufferInTurn(site: Site, deeds: readonly DeedName[]): Promise<void> {
  for (let at = 0; at < deeds.length; at += site.workers - 1) {
    await suffer(site, deeds.slice(at, at + site.workers - 1));
  }
}

describe(
  "a hostile worker is ended and the control process serves on when it",
  { concurrency: 2 },
  () => {
    forEachEngineIfLong("bun", (engine) => {
      let endpoint: Endpoint;

      before(async () => {
        endpoint = await startHttpEndpoint(servedText);
      });

      it(ofRuntime.join(", or "), async () => {
        await sufferInTurn(await startSite(engine, endpoint), ofRuntime);
      });

      it(someMessages.join(", or "), async () => {
        await sufferInTurn(await startSite(engine, endpoint), someMessages);
      });

      it([...sleepers, ...leavers].join(", or "), async () => {
        const site = await startSite(engine, endpoint);
        await suffer(site, [...sleepers, ...leavers]);
        const forked = await site.program.leftBehind("forked");
        await eventually(() => !isAlive(forked), 5_000, "the end of the worker's process group");
        // It is out of reach, and holds nothing of the control process.
        const escaped = await site.program.leftBehind("escaped");
        assert.ok(isAlive(escaped));
        process.kill(escaped, "SIGKILL");
      });

      it("leaves a process of another session behind, where the unit delegates a control group", async (t) => {
        const cgroup = makeUnitCgroup(t);
        if (cgroup === undefined) return;
        const site = await startSite(engine, endpoint, 1, inCgroup(cgroup));
        removeUnitCgroupAtTestEnd(cgroup);
        await suffer(site, ["leaves a process of another session behind"]);
        const escaped = await site.program.leftBehind("escaped");
        await eventually(() => !isAlive(escaped), 5_000, "the end of the worker's control group");
        const groups = readdirSync(cgroup).filter((name) => name.startsWith("worker-"));
        assert.equal(groups.length, site.workers);
      });
    });
  },
);
