import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine, type Engine } from "#harness/engines.ts";
import { makeHostileProgram, type HostileProgram } from "#harness/hostile-program.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials } from "#harness/many-clients.ts";
import { openFileCount } from "#harness/process-facts.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { TlsClient, TlsConnectOptions } from "#harness/tls-client.ts";
import { untilServing } from "#harness/worker-changes.ts";
import { processOf } from "#harness/worker-of.ts";
import { DEEDS, DONE, type DeedName } from "../fixtures/hostile-worker.ts";

const MIB = 1_048_576;
/** At a time, and one worker stays sound. */
const hostileAtOnce = 4;
/** Of one director: each time that a worker is replaced, the next waits longer. */
const roundsOfOne = 4;
const goneMs = 40_000;
/** What the control process may grow by, whatever it is sent. A taken-over worker sends it 512 MB and more. */
const mostGrowthBytes = 160 * MIB;

/** The most memory that a process ever had. proc(5) */
const peakBytesOf = (pid: number): number =>
  1_024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

function* chunksOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

const clientOptionsOf = (shop: Shop<"web">): TlsConnectOptions => ({
  host: shop.ip,
  port: shop.portOf("web"),
  ca: shop.ca.certificatePem,
  servername: "shop.example",
});

interface Site {
  readonly shop: Shop<"web">;
  readonly program: HostileProgram;
  readonly client: TlsClient;
  readonly soundPid: number;
  readonly openFiles: number;
  readonly peakBytes: number;
}

async function startSite(engine: Engine, endpoint: Endpoint): Promise<Site> {
  const program = await makeHostileProgram();
  const shop = await startShop({
    engine,
    workers: hostileAtOnce + 1,
    listeners: { web: { to: endpoint.port } },
    program: program.path,
  });
  const { director } = shop;
  const client = await shop.connect("web");
  await ask(client);
  const workers = await untilServing(director, hostileAtOnce + 1);
  const pids = workers.map(({ pid }) => pid);
  return {
    ...{ shop, program, client, soundPid: processOf(client, pids) },
    openFiles: openFileCount(director.pid),
    peakBytes: peakBytesOf(director.pid),
  };
}

/** Each deed by a worker of its own, all at once. */
async function suffer(site: Site, names: readonly DeedName[]): Promise<void> {
  const { shop, program, soundPid } = site;
  const { director } = shop;
  const from = director.logs.length;
  const workers = await untilServing(director, hostileAtOnce + 1);
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
  const after = await untilServing(director, hostileAtOnce + 1, gone);
  const stayed = after.filter(({ id }) => workers.some((worker) => worker.id === id));
  assert.equal(stayed.length, workers.length - gone.length);
  await ask(site.client);
  assert.equal((await shownSerials(clientOptionsOf(shop))).length, 1);
  const sayFiles = (): string => `${openFileCount(director.pid)} files, of ${site.openFiles}`;
  await eventually(() => openFileCount(director.pid) <= site.openFiles, 10_000, sayFiles);
  const grownBytes = peakBytesOf(director.pid) - site.peakBytes;
  assert.ok(grownBytes <= mostGrowthBytes, `grew by ${grownBytes / MIB} MiB`);
  for (const { value } of (await director.metrics()).samples) assert.ok(value < 1e15);
}

const names = Object.keys(DEEDS) as DeedName[];
const isSlow = (name: DeedName): boolean => DEEDS[name].fate === "hung";
const leavers: readonly DeedName[] = [
  "leaves a process behind that holds its pipes",
  "leaves a process of another session behind",
];
const quick = names.filter((name) => !isSlow(name) && !leavers.includes(name));

describe(
  "the control process serves on, and replaces the worker, when one",
  { concurrency: 2 },
  () => {
    forEachEngine((engine) => {
      let endpoint: Endpoint;

      before(async () => {
        endpoint = await startHttpEndpoint(servedText);
      });

      for (const some of chunksOf(quick, hostileAtOnce * roundsOfOne)) {
        const rounds = [...chunksOf(some, hostileAtOnce)];
        it(rounds.flat().join("; or "), async () => {
          const site = await startSite(engine, endpoint);
          for (const round of rounds) await suffer(site, round);
        });
      }

      it(names.filter(isSlow).join("; or "), async () => {
        await suffer(await startSite(engine, endpoint), names.filter(isSlow));
      });

      it(leavers.join("; or "), async () => {
        const site = await startSite(engine, endpoint);
        await suffer(site, leavers);
        const forked = await site.program.leftBehind("forked");
        await eventually(() => !isAlive(forked), 5_000, "the end of the worker's process group");
        // It is out of reach, and holds nothing of the control process.
        const escaped = await site.program.leftBehind("escaped");
        assert.ok(isAlive(escaped));
        process.kill(escaped, "SIGKILL");
      });
    });
  },
);
