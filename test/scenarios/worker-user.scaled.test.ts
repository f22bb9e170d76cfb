import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { runToExit, untilEnded } from "#harness/child-process.ts";
import { startDirector, type Director } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { httpRequest } from "#harness/http-client.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials } from "#harness/many-clients.ts";
import { privilegesOf } from "#harness/process-privileges.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop } from "#harness/shop.ts";
import { untilServing } from "#harness/worker-changes.ts";

const nobody = 65_534;
/** Users that Linux distributions bring along. */
const daemon = { name: "daemon", uid: 1 };
const bin = { name: "bin", uid: 2 };
const deadlineMs = 40_000;

const onlyAsRoot =
  process.getuid?.() === 0 ? {} : { skip: "only root can start workers as another user" };

async function uidsOf(director: Director): Promise<readonly (number | undefined)[]> {
  const pids = await director.workerPids();
  return pids.map((pid) => privilegesOf(pid).uids[0]);
}

async function hasHiddenProcesses(): Promise<boolean> {
  const hide = 'mount -t proc -o hidepid=2 proc /proc && exec "$0" "$@"';
  const trial = [
    "setpriv",
    "--reuid=1",
    "--regid=1",
    "--clear-groups",
    "--",
    "test",
    "-e",
    "/proc/1",
  ];
  const run = (...command: readonly string[]) =>
    runToExit("unshare", ["--mount", "--", "/bin/sh", "-c", hide, ...command]);
  return (await run("true")).code === 0 && (await run(...trial)).code === 1;
}

const hidden = [
  ...["unshare", "--mount", "--", "/bin/sh", "-c"],
  'mount -t proc -o hidepid=2 proc /proc && exec "$0" "$@"',
];

describe("the workers' user", { ...onlyAsRoot, concurrency: 2 }, () => {
  forEachEngineIfLong(
    "node",
    (engine: Engine) => {
      let endpoint: Endpoint;

      before(async () => {
        endpoint = await startHttpEndpoint(servedText);
      });

      it("is nobody where director.workerUser does not exist, never the control process's, and a notice says so", async () => {
        const director = await startDirector({
          document: { director: { workerUser: "tlsd-not-there" } },
          engine,
          workers: 1,
        });
        assert.deepEqual(await uidsOf(director), [nobody]);
        const { notices } = await director.status();
        assert.ok(
          notices.some((notice) => /no user tlsd-not-there .* nobody.*useradd/.test(notice)),
        );
        assert.ok(director.logs.some((line) => isEvent(line, "worker-user-missing")));
        assert.equal((await director.stop()).code, 0);
      });

      it("is that of orphans that hold the addresses, until all workers are replaced after them", async () => {
        const start = { orphanGrace: "1h", drain: "1h" };
        const shop = await startShop({
          engine,
          workers: 2,
          listeners: { web: { to: endpoint.port } },
          more: { director: { ...start, workerUser: daemon.name } },
        });
        assert.deepEqual(await uidsOf(shop.director), [daemon.uid, daemon.uid]);
        const client = await shop.connect("web");
        await ask(client);
        const orphans = await shop.director.kill();
        // Nothing but the folder of its data is left behind.
        assert.deepEqual(
          (await readdir(shop.director.dir)).filter((name) => name.startsWith("tlsd-")),
          [],
        );

        const again = await startDirector({
          document: { ...shop.document, director: { ...start, workerUser: bin.name } },
          engine,
          folder: shop.director.dir,
        });
        await shownSerials(shop.clientOf("web"), 6);
        assert.deepEqual(await uidsOf(again), [daemon.uid, daemon.uid]);
        const isSaid = async (): Promise<boolean> =>
          (await again.status()).notices.some((notice) => notice.includes("instead of bin"));
        assert.ok(await isSaid());

        await ask(client);
        client.end();
        await client.read.toEnd();
        await untilEnded(orphans, deadlineMs, "the end of the orphans");
        const [victim = 0] = await again.workerPids();
        process.kill(victim, "SIGKILL");
        await untilServing(again, 2, [victim]);
        // Its sibling still holds the addresses.
        assert.deepEqual(await uidsOf(again), [daemon.uid, daemon.uid]);

        const staying = await shop.connect("web");
        await ask(staying);
        again.signal("SIGUSR2");
        await again.waitForLog((line) => isEvent(line, "workers-replaced"), deadlineMs);
        const serving = (await again.workers()).filter(({ state }) => state === "serving");
        assert.deepEqual(
          serving.map(({ pid }) => privilegesOf(pid).uids[0]),
          [bin.uid, bin.uid],
        );
        await shownSerials(shop.clientOf("web"), 6);
        assert.ok(!(await isSaid()));
        await ask(staying);
        staying.end();
        await staying.read.toEnd();
        assert.equal((await again.stop()).code, 0);
      });

      it("lets the next director find orphans where processes of others are hidden", async (t) => {
        if (!(await hasHiddenProcesses()))
          return t.skip("/proc cannot be mounted with hidepid here");
        const ip = uniqueVirtualIp();
        // It needs no key, which only root could read.
        const listeners = [{ port: 8080, mode: "redirect" }];
        const document = {
          director: { user: daemon.name, workerUser: bin.name, orphanGrace: "1h" },
          profiles: { shop: { vnics: { front: { ip, listeners } } } },
        };
        const options = { document, engine, workers: 1, prefix: hidden };
        const first = await startDirector(options);
        const orphans = await first.kill();
        assert.equal(orphans.length, 1);
        const again = await startDirector({ ...options, folder: first.dir });
        const found = await again.waitForLog((line) => isEvent(line, "orphans-found"), deadlineMs);
        assert.equal(found["orphans"], 1);
        await untilEnded(orphans, deadlineMs, "the end of the orphan");
        assert.equal((await httpRequest({ host: ip, port: 8080 }, "/")).status, 308);
        assert.equal((await again.stop()).code, 0);
      });
    },
    { concurrency: false },
  );
});
