import assert from "node:assert/strict";
import { readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { eventually } from "#harness/deadline.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine, type Engine } from "#harness/engines.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { MAX_LINES_FRAMES_PER_SECOND, MAX_LINES_FRAME_BYTES } from "#protocol/line-frames.ts";

/** The director answers requests for a name of another TLS identity itself (421), which is fastest. */
const otherName = "safe.example";
const connections = 4;
/** More than four times what was written in a second when a worker reported records. */
const requests = 40_000;
/** More lines of this length than a worker keeps while the control process does not read. */
const floodRequests = 12_000;
const longPath = "p".repeat(1_500);

interface Site {
  readonly shop: Shop<"web">;
  readonly logPath: string;
}

/** Starts a director and appends its standard output to a file, as `>>` of a shell or `append:` of systemd does. */
async function startSite(engine: Engine, path?: string): Promise<Site> {
  const endpoint = await startHttpEndpoint();
  const logPath = path ?? join(await makeTempFolder(), "access.log");
  const names = { [otherName]: { policy: "strict" } };
  const shop = await startShop({
    engine,
    listeners: { web: { mode: "http", to: endpoint.port, names } },
    more: { policies: { strict: { minVersion: "TLSv1.3" } } },
    prefix: ["/bin/sh", "-c", 'exec "$0" "$@" >>"$TLSD_TEST_LOG"'],
    env: { TLSD_TEST_LOG: logPath },
    logsElsewhere: true,
  });
  return { shop, logPath };
}

/** Sends the requests ahead of their answers, and resolves when all are answered. */
async function ask(
  shop: Shop<"web">,
  paths: readonly string[],
  { host = otherName, fields = "" } = {},
): Promise<void> {
  await using client = await shop.connect("web");
  const heads = paths.map((path, at) => {
    const last = at === paths.length - 1 ? "connection: close\r\n" : "";
    return `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${fields}${last}\r\n`;
  });
  client.socket.write(heads.join(""), "latin1");
  const { bytes } = await client.read.toOutcome(30_000);
  const answers = bytes.toString("latin1").match(/HTTP\/1\.1 (?:421|200) /g)?.length;
  assert.equal(answers, paths.length);
}

const pathsOf = (count: number, start: string): readonly string[] =>
  Array.from({ length: count }, (_, at) => `/${start}/${at}`);

/** Sends the requests over some connections at a time, `each` over one connection. */
async function askAtOnce(shop: Shop<"web">, paths: readonly string[], each: number): Promise<void> {
  const parts = Array.from({ length: Math.ceil(paths.length / each) }, (_, at) =>
    paths.slice(at * each, (at + 1) * each),
  );
  const askOn = async (): Promise<void> => {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      // One after the other.
      // oxlint-disable-next-line no-await-in-loop
      await ask(shop, part);
    }
  };
  await Promise.all(Array.from({ length: connections }, askOn));
}

/** Returns the paths of the lines of requests. Each line must be whole JSON. */
function loggedPaths(text: string): readonly string[] {
  assert.ok(text === "" || text.endsWith("\n"));
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { readonly event?: string; readonly path?: string })
    .flatMap(({ event, path }) => (event === "exchange" && path !== undefined ? [path] : []));
}

const droppedBy = async ({ director }: Shop<"web">): Promise<number> =>
  (await director.metrics()).sum("tlsd_events_dropped_total");

/** Resolves to the paths of all lines when each request is either in a line or counted as dropped. */
async function untilAccounted(
  { shop, logPath }: Site,
  count: number,
  earlier = "",
): Promise<{ readonly paths: readonly string[]; readonly dropped: number }> {
  let paths: readonly string[] = [];
  let dropped = 0;
  await eventually(
    async () => {
      dropped = await droppedBy(shop);
      paths = loggedPaths(earlier + readFileSync(logPath, "utf8"));
      return paths.length + dropped >= count;
    },
    20_000,
    () => `${paths.length} lines and ${dropped} dropped, of ${count}`,
  );
  assert.equal(paths.length + dropped, count);
  assert.equal(new Set(paths).size, paths.length);
  return { paths, dropped };
}

describe("the full access log of mode http", { concurrency: false }, () => {
  forEachEngine((engine) => {
    it("has a whole line for each request, once", async () => {
      const site = await startSite(engine);
      const own = pathsOf(requests, "own");
      const relayed = pathsOf(2_000, "relayed");
      await Promise.all([
        askAtOnce(site.shop, own, 250),
        ask(site.shop, relayed, { host: "shop.example" }),
      ]);
      const { paths, dropped } = await untilAccounted(site, requests + relayed.length);
      assert.equal(dropped, 0);
      assert.deepEqual(new Set(paths), new Set([...own, ...relayed]));
    });

    it("loses no line to a rotation that copies and truncates, and no request waits for one", async () => {
      const site = await startSite(engine);
      const { shop, logPath } = site;
      const { director } = shop;
      let rotated = "";
      let sent = 0;
      const over = new AbortController();
      const askOn = async (connection: number): Promise<void> => {
        for (let round = 0; !over.signal.aborted; round += 1) {
          const paths = pathsOf(200, `${connection}/${round}`);
          // One after the other.
          // oxlint-disable-next-line no-await-in-loop
          await ask(shop, paths);
          sent += paths.length;
        }
      };
      const asking = Promise.all(Array.from({ length: connections }, (_, at) => askOn(at)));
      for (let rotation = 0; rotation < 5; rotation += 1) {
        await wait(200);
        // Between its copy and its truncation, a real one loses what is written meanwhile.
        director.signal("SIGSTOP");
        const before = sent;
        await wait(50);
        rotated += readFileSync(logPath, "utf8");
        loggedPaths(rotated);
        truncateSync(logPath);
        await eventually(() => sent > before, 5_000, "requests go on");
        director.signal("SIGCONT");
      }
      over.abort();
      await asking;
      assert.ok(loggedPaths(rotated).length > 0);
      const { dropped } = await untilAccounted(site, sent, rotated);
      assert.equal(dropped, 0);
    });

    it("has the lines of the last requests before a stop", async () => {
      const { shop, logPath } = await startSite(engine);
      const paths = pathsOf(20, "last");
      await ask(shop, paths);
      await shop.director.stop();
      assert.deepEqual(loggedPaths(readFileSync(logPath, "utf8")), paths);
    });

    it("goes on when a worker has sent as much as in one second", async () => {
      const { shop, logPath } = await startSite(engine);
      // Each of these characters has seven bytes in the line.
      const odd = "\u009b".repeat(1_024);
      const fields = `referer: ${odd}\r\nuser-agent: ${odd}\r\n`;
      const path = `/${"p".repeat(2_000)}`;
      // More than the frames of a second hold.
      const bytes = MAX_LINES_FRAME_BYTES * MAX_LINES_FRAMES_PER_SECOND;
      const paths = Array.from({ length: 50 }, () => path);
      for (let round = 0; round < 400 && statSync(logPath).size < bytes; round += 1) {
        // One after the other.
        // oxlint-disable-next-line no-await-in-loop
        await ask(shop, paths, { fields });
      }
      await ask(shop, ["/after"]);
      const hasArrived = (): boolean => readFileSync(logPath).lastIndexOf('"path":"/after"') > 0;
      await eventually(hasArrived, 5_000, "the last line");
      assert.ok(statSync(logPath).size > bytes);
    });

    it("counts each line that does not fit while the control process does not write", async () => {
      const site = await startSite(engine);
      const { director } = site.shop;
      director.signal("SIGSTOP");
      const paths = pathsOf(floodRequests, longPath);
      try {
        await ask(site.shop, paths);
      } finally {
        director.signal("SIGCONT");
      }
      const { dropped } = await untilAccounted(site, floodRequests);
      assert.ok(dropped > 0 && dropped < floodRequests, `${dropped}`);
      await ask(site.shop, ["/after"]);
      assert.ok((await untilAccounted(site, floodRequests + 1)).paths.includes("/after"));
    });

    it("holds back no request while the disk is full, and counts what is not kept", async () => {
      const { shop } = await startSite(engine, "/dev/full");
      await askAtOnce(shop, pathsOf(floodRequests, longPath), floodRequests / connections);
      await eventually(async () => (await droppedBy(shop)) > 0, 10_000, "dropped lines");
      assert.ok((await droppedBy(shop)) < floodRequests);
      await ask(shop, ["/after"]);
    });
  });
});
