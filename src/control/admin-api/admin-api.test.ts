import assert from "node:assert/strict";
import { request } from "node:http";
import { mkdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { text } from "node:stream/consumers";
import { listenerNameOf, vnicNameOf } from "#model/names.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import { DirectorError } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import type { DirectorStatus } from "#model/records/status.ts";
import type { DirectorView } from "#control/director-view.ts";
import type { ChangeResult } from "#control/change/change.ts";
import type { Author } from "#model/records/revision.ts";
import { EventBus } from "#control/event-bus.ts";
import { Notices } from "#control/notice.ts";
import { buildLog } from "#control/telemetry/log.ts";
import { LogLevel } from "#control/telemetry/log-level.ts";
import { eventually } from "#harness/deadline.ts";
import {
  sampleHandshake as handshake,
  sampleProfile,
  sampleStatus as status,
  sampleView,
  sampleVnic as vnic,
  sampleWorker as worker,
} from "#harness/sample-director.ts";
import { emptyState, fakeChangeApi, noInventory } from "#harness/fake-change-api.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import type { Connections } from "./add-connection-routes.ts";
import type { Changes } from "./change-api.ts";
import { startAdminApi } from "./start-admin-api.ts";
import { startObserve } from "./start-observe.ts";

function buildView(changed: Partial<DirectorView> = {}): DirectorView {
  return {
    ...sampleView,
    handshakes: ({ limit }) => Array.from({ length: Math.min(limit, 300) }, () => handshake),
    metrics: () => Promise.resolve([Buffer.from("tlsd_info 1\n")]),
    ...changed,
  };
}

const result: ChangeResult = {
  ...{
    isChanged: true,
    changes: () => [],
    warnings: [],
    versions: [],
    before: emptyState,
    after: emptyState,
  },
  effect: () => ({ opens: [], closes: [], changes: [] }),
};
const reloaded: ChangeReply = {
  ...{ revision: 7, changed: true, dryRun: false, difference: { changes: [], omitted: 0 } },
  ...{ listeners: [], listenersOmitted: 0, versions: [], warnings: [] },
};
const change: Changes["change"] = () => Promise.resolve(result);
const api = fakeChangeApi(change);
const connections: Connections = {
  list: (_filter, limit) =>
    Promise.resolve({ total: limit, shown: 0, silentWorkers: 0, connections: [] }),
  cut: ({ vnic: name }) => Promise.resolve({ cut: name?.length ?? 0, silentWorkers: 0 }),
};
const doctor = () =>
  Promise.resolve([{ name: "clock", result: "ok", message: "The clock is right." } as const]);
const { logger: log } = buildLog({ level: "silent" });
const logLevel = new LogLevel(log);
const notices = new Notices(new EventBus((error) => assert.fail(String(error))));

const readLargeBody = (): Promise<unknown> => Promise.reject(new Error("No body is that large."));
const failBack = (): void => undefined;
const setMasterKey = () =>
  Promise.resolve({ id: "a", place: "the file b", isMade: true, rewrapped: 2, damaged: 0 });
const shared = {
  api,
  connections,
  failBack,
  setMasterKey,
  logLevel,
  doctor,
  log,
  notices,
  readLargeBody,
  ...noInventory,
};

async function startApi(
  view = buildView(),
  path?: string,
  wanted: Changes["change"] = change,
  inForce = emptyState,
): Promise<string> {
  const socketPath = path ?? join(await makeTempFolder(), "tlsd.sock");
  const started = await startAdminApi({
    ...{ ...shared, socketPath, view },
    api: fakeChangeApi(wanted, inForce),
  });
  closeAtTestEnd(() => started.close());
  return socketPath;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function ask(
  target: { readonly socketPath: string } | { readonly host: string; readonly port: number },
  path: string,
  method = "GET",
): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const sent = request({ ...target, path, method, agent: false }, (response) => {
    const type = response.headers["content-type"] ?? "";
    text(response).then(
      (body) => resolve({ status: response.statusCode ?? 0, type, body }),
      reject,
    );
  });
  sent.on("error", reject).end();
  return promise;
}

async function json(socketPath: string, path: string): Promise<unknown> {
  const reply = await ask({ socketPath }, path);
  assert.equal(reply.status, 200, reply.body);
  return JSON.parse(reply.body);
}

test("every part of the director is replied whole", async () => {
  const socketPath = await startApi();
  assert.deepEqual(await json(socketPath, "/v1/status"), status);
  assert.deepEqual(await json(socketPath, "/v1/workers"), [worker]);
});

test("a list says of each resource how it is and how it is written", async () => {
  const listener = { port: 8443, to: 8080, certificates: ["shop"] };
  const front = { ip: "127.0.1.10", listeners: [listener] };
  const shop = { chain: "/certs/shop.pem", passphrase: "hunter2" };
  const written = { profiles: { shop: { vnics: { front } } }, certificates: { shop } };
  const socketPath = await startApi(buildView(), undefined, change, { ...emptyState, written });
  const list = async (kind: string): Promise<readonly object[]> => {
    const items = (await json(socketPath, `/v1/${kind}`)) as { readonly etag: string }[];
    return items.map(({ etag, ...item }) => {
      assert.match(etag, /^"[\w-]{22}"$/);
      return item;
    });
  };
  assert.deepEqual(await list("vnics"), [{ ...vnic, written: front }]);
  assert.deepEqual(await list("listeners"), [{ ...vnic.listeners[0], written: listener }]);
  const shown = { ...shop, passphrase: "secret:hmac-sha256:0123456789abcdef" };
  assert.deepEqual(await list("certificates"), [{ ...status.certificates[0], written: shown }]);
  const vnics = { vnics: { front } };
  assert.deepEqual(await list("profiles"), [{ ...sampleProfile, written: vnics }]);
  assert.deepEqual(await list("policies"), []);
});

test("a list computes the states of its page only", async () => {
  const vnics = Object.fromEntries(
    ["a", "b", "c"].map((name) => [name, { listeners: [{ port: 443 }] }]),
  );
  const written = { profiles: { shop: { vnics } } };
  const wanted: string[] = [];
  const view = buildView({
    vnics: (isWanted) => {
      const names = ["a", "b", "c"].map((name) => vnicNameOf(name, "shop")).filter(isWanted);
      wanted.push(names.join(" "));
      return names.map((name) => ({
        ...vnic,
        name,
        listeners: vnic.listeners.map((one) => ({ ...one, name: listenerNameOf(name, 443) })),
      }));
    },
  });
  const socketPath = await startApi(view, undefined, change, { ...emptyState, written });
  const names = async (path: string): Promise<readonly string[]> =>
    ((await json(socketPath, path)) as { readonly name: string }[]).map(({ name }) => name);
  assert.deepEqual(await names("/v1/vnics?limit=1&after=a.shop"), ["b.shop"]);
  assert.deepEqual(await names("/v1/listeners?name=c.*"), ["c.shop:443"]);
  assert.deepEqual(wanted, ["b.shop", "c.shop"]);
});

test("what may be absent is absent from the reply", async () => {
  const { lastRefusal: _, ...plain } = status;
  const socketPath = await startApi(buildView({ status: () => plain }));
  assert.deepEqual(await json(socketPath, "/v1/status"), plain);
});

test("failed handshakes come with their cause in words, as many as are asked for", async () => {
  const socketPath = await startApi();
  const [first] = (await json(socketPath, "/v1/handshakes?failed&limit=1")) as [HandshakeRecord];
  assert.deepEqual(first, {
    ...handshake,
    hint: "A limit of the vNIC or of the director was reached.",
  });
  const count = async (query: string): Promise<number> =>
    ((await json(socketPath, `/v1/handshakes${query}`)) as unknown[]).length;
  assert.equal(await count(""), 100);
  assert.equal(await count("?limit=250&failed=true"), 250);
});

test("the socket is for its owner only, from its first moment", async () => {
  const socketPath = await startApi();
  assert.equal((await stat(socketPath)).mode & 0o7777, 0o600);
});

test("metrics are Prometheus text", async () => {
  const socketPath = await startApi();
  const reply = await ask({ socketPath }, "/metrics");
  assert.deepEqual(reply, {
    status: 200,
    type: "text/plain; version=0.0.4; charset=utf-8",
    body: "tlsd_info 1\n",
  });
});

test("health is about the process, readiness about serving", async () => {
  let isReady = false;
  let state: DirectorStatus["state"] = "starting";
  const view = buildView({ isReady: () => isReady, state: () => state });
  const socketPath = await startApi(view);
  const readiness = async (): Promise<string> => {
    const { status: code, body } = await ask({ socketPath }, "/readyz");
    const { status: word, code: failure } = JSON.parse(body) as Record<string, string>;
    return `${code} ${failure ?? word ?? ""}`;
  };
  assert.equal((await ask({ socketPath }, "/healthz")).status, 200);
  assert.equal(await readiness(), "503 not-ready");
  [isReady, state] = [true, "serving"];
  assert.equal(await readiness(), "200 ready");
  [isReady, state] = [false, "draining"];
  assert.equal(await readiness(), "503 draining");
  assert.equal((await ask({ socketPath }, "/healthz")).status, 200);
});

test("failures have the shape of the catalogue", async () => {
  const socketPath = await startApi(
    buildView({
      vnics: () => {
        throw new Error("words of the inside");
      },
    }),
  );
  const failure = async (path: string, method?: string): Promise<string> => {
    const { status: code, body } = await ask({ socketPath }, path, method);
    const shape = JSON.parse(body) as Record<string, string>;
    assert.deepEqual(Object.keys(shape), [
      ...["type", "title", "status", "detail", "code", "message", "hint"],
    ]);
    assert.doesNotMatch(body, /words of the inside/);
    return `${code} ${shape["code"]}`;
  };
  assert.equal(await failure("/v1/nothing"), "404 not-found");
  assert.equal(await failure("/v1/nothing", "POST"), "404 not-found");
  assert.equal(await failure("/v1/status", "POST"), "405 method-not-allowed");
  assert.equal(await failure("/v1/handshakes?limit=0"), "400 bad-request");
  assert.equal(await failure("/v1/handshakes?limit=many"), "400 bad-request");
  assert.equal(await failure("/v1/handshakes?limt=1"), "400 bad-request");
  assert.equal(await failure("/%ff"), "400 bad-request");
  assert.equal(await failure("/v1/vnics"), "500 internal");
});

test("a reload is answered when it is done, with its result or with every problem", async () => {
  const done = Promise.withResolvers<ChangeResult>();
  const authors: Author[] = [];
  const socketPath = await startApi(buildView(), undefined, ({ by }) => {
    authors.push(by);
    return done.promise;
  });
  const replied = ask({ socketPath }, "/v1/reload", "POST");
  assert.equal((await ask({ socketPath }, "/v1/reload")).status, 405);
  done.resolve(result);
  const { status: code, body } = await replied;
  assert.deepEqual([code, JSON.parse(body), authors], [200, reloaded, [{ origin: "file" }]]);

  const problems = [problemOf("bad-address", "servers.web-1.address", "It is no address.", "x")];
  const refused = await startApi(buildView(), undefined, () =>
    Promise.reject(new DirectorError("document-invalid", undefined, { problems })),
  );
  const failure = await ask({ socketPath: refused }, "/v1/reload", "POST");
  assert.equal(failure.status, 422);
  const shape = JSON.parse(failure.body) as Record<string, unknown>;
  assert.equal(shape["code"], "document-invalid");
  assert.deepEqual(shape["problems"], problems);
});

test("a socket that a dead director left is replaced", async () => {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const born = `${socketPath}.1`;
  const left = createServer().listen(born);
  closeAtTestEnd(() => void left.close());
  await new Promise((resolve) => left.once("listening", resolve));
  await symlink(born, socketPath);
  await assert.rejects(startApi(buildView(), socketPath), { code: "data-unusable" });
  await startApi(buildView(), born);
  assert.deepEqual(await json(born, "/v1/workers"), [worker]);
});

test("a file that is no socket is not replaced, and a path that is too long is named", async () => {
  const folder = await makeTempFolder();
  await writeFile(join(folder, "tlsd.sock"), "precious");
  await assert.rejects(startApi(buildView(), join(folder, "tlsd.sock")), {
    code: "data-unusable",
    message: /is not a socket/,
  });
  await assert.rejects(startApi(buildView(), join(folder, "x".repeat(100))), {
    code: "data-unusable",
    message: /too long/,
  });
});

test("closing removes the socket, but not that of a successor", async () => {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const first = await startAdminApi({ ...shared, socketPath, view: buildView() });
  const second = await startAdminApi({ ...shared, socketPath, view: buildView() });
  await first.close();
  assert.deepEqual(await json(socketPath, "/v1/workers"), [worker]);
  await second.close();
  await assert.rejects(stat(socketPath), { code: "ENOENT" });
});

test("a socket that is removed is made again, and a notice says while it cannot be", async () => {
  const socketPath = await startApi();
  await rm(socketPath);
  await eventually(() => json(socketPath, "/v1/workers").catch(() => false));
  assert.equal((await stat(socketPath)).mode & 0o777, 0o600);
  await rm(dirname(socketPath), { recursive: true });
  await eventually(() => notices.texts().join().includes("The admin socket cannot be opened."));
  await mkdir(dirname(socketPath), { mode: 0o700 });
  await eventually(() => json(socketPath, "/v1/workers").catch(() => false));
  assert.deepEqual(notices.texts(), []);
});

test("director.observe serves metrics and probes on TCP, and nothing else", async () => {
  const observe = await startObserve({ address: "127.0.0.1:0", view: buildView(), log });
  closeAtTestEnd(() => observe.close());
  const port = Number(observe.address.split(":").at(-1));
  const target = { host: "127.0.0.1", port };
  assert.equal((await ask(target, "/metrics")).body, "tlsd_info 1\n");
  assert.equal((await ask(target, "/healthz")).status, 200);
  assert.equal((await ask(target, "/readyz")).status, 200);
  assert.equal((await ask(target, "/v1/reload", "POST")).status, 404);
  for (const path of ["/v1/status", "/v1/workers", "/v1/handshakes", "/"]) {
    assert.equal((await ask(target, path)).status, 404, path);
  }
  await assert.rejects(startObserve({ address: `127.0.0.1:${port}`, view: buildView(), log }), {
    code: "address-in-use",
    path: "director.observe",
  });
});

test("director.observe takes an IPv6 address, and refuses what it cannot listen on", async () => {
  const observe = await startObserve({ address: "[::1]:0", view: buildView(), log });
  closeAtTestEnd(() => observe.close());
  assert.match(observe.address, /^\[::1\]:\d+$/);
  const refused = (address: string, code: string): Promise<void> =>
    assert.rejects(startObserve({ address, view: buildView(), log }), { code });
  await refused("192.0.2.1:9180", "address-not-available");
  await refused("9180", "document-invalid");
  await refused("127.0.0.1:99999", "document-invalid");
});
