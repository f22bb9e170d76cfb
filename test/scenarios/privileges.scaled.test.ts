import assert from "node:assert/strict";
import { chown, cp, mkdir, readFile, readlink, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { runToExit } from "#harness/child-process.ts";
import { withDeadline } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { shownSerials } from "#harness/many-clients.ts";
import { descendantsOf, isAlive, limitOf } from "#harness/process-facts.ts";
import { environmentOf, privilegesOf } from "#harness/process-privileges.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";
import { projectFolder, type ServeOptions } from "#harness/tlsd.ts";
import { twoWorkersOf, untilServing } from "#harness/worker-changes.ts";

/** A user that Linux distributions bring along, and that owns nothing. */
const daemon = { uid: 1, gid: 1 };
const root = { uid: 0, gid: 0 };
const nobody = 65_534;
/** capabilities(7). */
const caps = { kill: 5, setgid: 6, setuid: 7, setpcap: 8, netBindService: 10 };
const privilegedPort = 443;
const endMs = 40_000;

const isRoot = process.getuid?.() === 0;
const onlyAsRoot = isRoot
  ? {}
  : { skip: "only root can start a director that gives up privileges" };

interface Started {
  readonly director: Director;
  readonly client: TlsConnectOptions;
  readonly keyFile: string;
  readonly documentOn: (port: number) => object;
}

/** Its folder and the certificate in it belong to `owner`; its one listener takes a port that not everybody may have. */
async function start(
  engine: Engine,
  owner: { readonly uid: number; readonly gid: number },
  settings: object,
  { port = privilegedPort, ...options }: Partial<ServeOptions> & { readonly port?: number } = {},
): Promise<Started> {
  const folder = await makeTempFolder();
  const ca = await createTestCa();
  const issued = await ca.issue({ names: ["shop.example"] });
  const { chain, key } = await issued.writeTo(folder, "shop");
  if (isRoot) for (const path of [folder, chain, key]) await chown(path, owner.uid, owner.gid);
  const endpoint = await startHttpEndpoint(servedText);
  const ip = uniqueVirtualIp();
  const shop = { ip, servers: { web: endpoint.host }, to: endpoint.port };
  const documentOn = (wanted: number): object =>
    shopDocument({ ...shop, port: wanted, more: { director: settings } });
  const document = documentOn(port);
  const director = await startDirector({ document, engine, folder, workers: 1, ...options });
  const client = { host: ip, port, ca: ca.certificatePem, servername: "shop.example" };
  return { director, client, keyFile: key, documentOn };
}

function noticeOf({ logs }: Director, event: string): string | undefined {
  const line = logs.find((candidate) => isEvent(candidate, event));
  return line === undefined ? undefined : String(line["msg"]);
}

describe("a director that root starts", { ...onlyAsRoot, concurrency: 2 }, () => {
  forEachEngineIfLong(
    "node",
    (engine) => {
      const env = {
        SSLKEYLOGFILE: "/tmp/tlsd-test-key-log",
        NODE_OPTIONS: "--no-deprecation",
        NODE_EXTRA_CA_CERTS: "/dev/null",
        BUN_OPTIONS: "--smol",
        BUN_CONFIG_VERBOSE_FETCH: "1",
        PASSWORD: "of the operator",
        TZ: "Europe/Vienna",
      };
      let started: Started;

      before(async () => {
        started = await start(engine, daemon, { user: "daemon" }, { workers: 2, env });
      });

      it("is director.user, and its workers are nobody with one capability", async () => {
        const { director, client } = started;
        assert.equal(noticeOf(director, "no-privilege-boundary"), undefined);
        assert.equal(noticeOf(director, "control-runs-as-root"), undefined);
        const workers = await director.workerPids();
        assert.equal(workers.length, 2);
        for (const pid of workers) {
          assert.deepEqual(privilegesOf(pid), {
            uids: [nobody, nobody, nobody, nobody],
            gids: [nobody, nobody, nobody, nobody],
            groups: [],
            effective: [caps.netBindService],
            permitted: [caps.netBindService],
            bounding: [caps.netBindService],
            hasNoNewPrivileges: true,
          });
        }
        const control = privilegesOf(director.pid);
        const controlCaps = Object.values(caps);
        assert.deepEqual(control.uids, [1, 1, 1, 1]);
        assert.deepEqual(control.gids, [1, 1, 1, 1]);
        assert.deepEqual(control.effective, controlCaps);
        assert.deepEqual(control.bounding, controlCaps);
        assert.ok(control.hasNoNewPrivileges);
        assert.deepEqual(limitOf(director.pid, "Max core file size"), ["0", "0"]);
        // The port needs the one capability.
        await shownSerials(client);
      });

      it("keeps its workers from its state, its keys and its admin socket", async () => {
        const { director, keyFile } = started;
        const ownerOf = async (path: string): Promise<string> => {
          const { mode, uid } = await stat(path);
          return `${uid} ${(mode & 0o777).toString(8)}`;
        };
        assert.equal(await ownerOf(director.dataDir), "1 700");
        assert.equal(await ownerOf(director.socketPath), "1 600");
        const asWorker = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--"];
        const attempts = [
          ["ls", director.dataDir],
          ["cat", join(director.dataDir, "state.db")],
          ["cat", keyFile],
          ["cat", `/proc/${director.pid}/environ`],
          ["curl", "-sS", "--unix-socket", director.socketPath, "http://tlsd/v1/status"],
        ];
        for (const attempt of attempts) {
          const { code, stderr } = await runToExit("setpriv", [...asWorker, ...attempt]);
          assert.notEqual(code, 0, attempt.join(" "));
          assert.match(stderr, /Permission denied|connect to/);
        }
      });

      it("gives workers an environment by allow-list, no core file and a folder that is not theirs", async () => {
        const allowed = [
          ...["PATH", "TZ", "PWD", "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "NODE_COMPILE_CACHE"],
        ];
        const [pid = 0] = await started.director.workerPids();
        const environment = environmentOf(pid);
        const strange = Object.keys(environment).filter((name) => !allowed.includes(name));
        assert.deepEqual(strange, []);
        assert.equal(environment["TZ"], env.TZ);
        assert.deepEqual(limitOf(pid, "Max core file size"), ["0", "0"]);
        const { uid, mode } = await stat(await readlink(`/proc/${pid}/cwd`));
        assert.notEqual(uid, nobody);
        assert.equal(mode & 0o022, 0);
      });

      it("still starts workers, and ends them though they are somebody else", async () => {
        const { director, client } = await start(
          engine,
          daemon,
          { user: "daemon" },
          { workers: 2 },
        );
        const [victim] = await twoWorkersOf(director);
        process.kill(victim, "SIGKILL");
        for (const { pid } of await untilServing(director, 2, [victim])) {
          assert.equal(privilegesOf(pid).uids[0], nobody);
        }
        await using open = await tlsConnect(client);
        director.signal("SIGTERM");
        await director.waitForLog((line) => isEvent(line, "draining"), endMs);
        const below = descendantsOf(director.pid);
        director.signal("SIGTERM");
        const { code } = await withDeadline(director.exited, endMs, "the end of the director");
        assert.equal(code, 0);
        assert.ok(!below.some(isAlive));
        assert.match(await open.read.outcome(), /^(end|ECONNRESET)$/);
      });

      it("says that there is no boundary where director.workerUser cannot read the program", async () => {
        const folder = join(await makeTempFolder(), "private");
        await mkdir(folder, { mode: 0o700 });
        for (const name of ["src", "package.json"]) {
          await cp(join(projectFolder, name), join(folder, name), { recursive: true });
        }
        await symlink(join(projectFolder, "node_modules"), join(folder, "node_modules"));
        const program = join(folder, "src/main.ts");
        const { director, client } = await start(engine, root, {}, { program });
        const notice = noticeOf(director, "no-privilege-boundary") ?? "";
        assert.match(notice, /User nobody cannot run the workers: .* not readable/);
        assert.ok((await director.status()).notices.includes(notice));
        const [pid = 0] = await director.workerPids();
        assert.ok(privilegesOf(pid).hasNoNewPrivileges);
        await shownSerials(client, 2);
      });

      it("stays root, and says so, where there is no director.user", async () => {
        const { director } = await start(engine, root, { user: "tlsd-nobody-has" });
        const notice = noticeOf(director, "control-runs-as-root") ?? "";
        assert.match(notice, /There is no user tlsd-nobody-has .*useradd/);
        assert.deepEqual(privilegesOf(director.pid).uids, [0, 0, 0, 0]);
        const [pid = 0] = await director.workerPids();
        assert.deepEqual(limitOf(pid, "Max core file size"), ["0", "0"]);
        assert.equal(privilegesOf(pid).uids[0], nobody);
      });
    },
    { concurrency: false },
  );
});

describe("a director that an ordinary user starts", { concurrency: 2 }, () => {
  forEachEngineIfLong(
    "node",
    (engine) => {
      it("says that there is no boundary; its workers run as that user and gain no privilege", async (t) => {
        const limits = ["--inh-caps=-all", "--bounding-set=-all", "--"];
        const { uid, gid } = daemon;
        const prefix = isRoot
          ? ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", ...limits]
          : [];
        const options = { prefix, port: 8443 };
        const { director, client, documentOn } = await start(engine, daemon, {}, options);
        const notice = noticeOf(director, "no-privilege-boundary") ?? "";
        assert.match(notice, /The director was not started as root/);
        const [pid = 0] = await director.workerPids();
        const control = privilegesOf(director.pid);
        const worker = privilegesOf(pid);
        assert.deepEqual(worker.uids, control.uids);
        assert.deepEqual(worker.effective, []);
        assert.ok(worker.hasNoNewPrivileges);
        await shownSerials(client, 2);

        const file = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
        if (Number(await readFile(file, "utf8")) <= privilegedPort) {
          t.diagnostic(`everybody may listen on port ${privilegedPort} here`);
          return;
        }
        const { outcome, line } = await director.reload(documentOn(privilegedPort));
        assert.deepEqual([outcome, line["code"]], ["refused", "address-not-permitted"]);
        await shownSerials(client, 2);
      });
    },
    { concurrency: false },
  );
});
