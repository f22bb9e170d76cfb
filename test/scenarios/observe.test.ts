import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { FailureShape } from "#model/failure.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { httpRequest, type HttpReply } from "#harness/http-client.ts";
import { isEvent } from "#harness/log-capture.ts";
import { assertPrometheusText } from "#harness/prometheus-rules.ts";
import { parsePrometheusText } from "#harness/prometheus-text.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { startTlsd, prepareServe } from "#harness/tlsd.ts";
import { endProcessAtTestEnd } from "#harness/child-process.ts";
import { untilServing } from "#harness/worker-changes.ts";

/** A request must have come within 10 s; the rest is for a machine that does other work. */
const silentDeadlineMs = 20_000;
/** The server takes 256 connections that have not asked at a time; more clients would keep this process from the other tests. */
const slowClients = 100;
/** More than the machine has cores, so that the start takes a while. */
const workersToWaitFor = 4;

interface Observed {
  readonly host: string;
  readonly port: number;
}

const ask = (target: Observed, path: string, method?: string): Promise<HttpReply> =>
  httpRequest(target, path, method);

async function verdict(target: Observed, path = "/readyz"): Promise<string> {
  const { status, body } = await ask(target, path);
  const { status: word, code } = JSON.parse(body) as { status?: string; code?: string };
  return `${status} ${code ?? word ?? ""}`;
}

/** An address for one director to be observed on. */
async function observed(): Promise<Observed> {
  const host = uniqueVirtualIp();
  return { host, port: await freePort(host) };
}

// The control process serves this, whatever the engine of its workers.
describe("director.observe", { concurrency: true }, () => {
  let target: Observed;
  let director: Director;

  before(async () => {
    target = await observed();
    director = await startDirector({
      document: { director: { observe: `${target.host}:${target.port}` } },
      engine: "node",
      workers: 1,
    });
  });

  it("serves metrics and probes", async () => {
    const metrics = await ask(target, "/metrics");
    assert.equal(metrics.status, 200);
    assert.equal(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assertPrometheusText(metrics.body);
    assert.equal(await verdict(target, "/healthz"), "200 ok");
    assert.equal(await verdict(target), "200 ready");
    const head = await ask(target, "/metrics", "HEAD");
    assert.deepEqual([head.status, head.body], [200, ""]);
  });

  it("serves nothing else, and says so in the shape of the catalogue", async () => {
    const failure = async (path: string, method?: string): Promise<string> => {
      const { status, body, headers } = await ask(target, path, method);
      const shape = JSON.parse(body) as FailureShape;
      assert.deepEqual(Object.keys(shape), [
        ...["type", "title", "status", "detail", "code", "message", "hint"],
      ]);
      return [status, shape.code, headers.allow].join(" ").trim();
    };
    for (const path of ["status", "workers", "vnics", "listeners", "certificates", "handshakes"]) {
      assert.equal(await failure(`/v1/${path}`), "404 not-found", path);
    }
    for (const path of ["/", "/metrics/more", "/docs", "/openapi.json"]) {
      assert.equal(await failure(path), "404 not-found", path);
    }
    const allowed = "GET, HEAD, OPTIONS";
    const { status, headers } = await ask(target, "/metrics", "OPTIONS");
    assert.deepEqual([status, headers.allow], [204, allowed]);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      assert.equal(await failure("/metrics", method), `405 method-not-allowed ${allowed}`, method);
      assert.equal(await failure("/v1/status", method), "404 not-found", method);
    }
  });

  it("answers what is no HTTP with 400 and closes", async () => {
    await using client = await rawConnect(target);
    await client.send("\u0016\u0003\u0001\u0002no HTTP\r\n\r\n");
    const answer = (await client.read.toEnd()).toString();
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n[^]*"code":"bad-request"/);
  });

  it("answers probes while many clients are slow, and is rid of those in time", async () => {
    const clients = await Promise.all(
      Array.from({ length: slowClients }, () => rawConnect(target)),
    );
    for (const client of clients.slice(1)) await client.send("GET /metrics HTTP/1.1\r\nhost: ");
    assert.equal(await verdict(target), "200 ready");
    const answers = await Promise.all(clients.map((client) => client.read.toEnd(silentDeadlineMs)));
    for (const answer of answers) {
      assert.match(answer.toString(), /^HTTP\/1\.1 408 Request Timeout\r\n/);
    }
  });

  it("is off unless the document names an address", async () => {
    const log = await director.waitForLog((line) => isEvent(line, "ready"));
    assert.equal(log["observe"], `${target.host}:${target.port}`);
    const silent = await startDirector({ document: {}, engine: "node", workers: 1 });
    const ready = await silent.waitForLog((line) => isEvent(line, "ready"));
    assert.ok(!("observe" in ready));
  });

  it("refuses readiness while the director starts, whose health is good", async () => {
    const { host, port } = await observed();
    const { args } = await prepareServe({
      document: { director: { observe: `${host}:${port}` } },
      engine: "node",
      workers: workersToWaitFor,
    });
    const running = await startTlsd(args);
    endProcessAtTestEnd(running);
    const seen: string[] = [];
    await eventually(
      async () => {
        const [health, readiness] = [
          await verdict({ host, port }, "/healthz"),
          await verdict({ host, port }),
        ];
        assert.equal(health, "200 ok");
        if (seen.at(-1) !== readiness) seen.push(readiness);
        return readiness === "200 ready";
      },
      30_000,
      () => `readiness after ${seen.join(", ")}`,
    );
    assert.deepEqual(seen, ["503 not-ready", "200 ready"]);
  });

  it("refuses readiness while no worker serves", async () => {
    const { host, port } = await observed();
    const lonely = await startDirector({
      document: { director: { observe: `${host}:${port}` } },
      engine: "node",
      workers: 1,
    });
    const [pid = 0] = await lonely.workerPids();
    process.kill(pid, "SIGKILL");
    await eventually(async () => (await verdict({ host, port })) === "503 not-ready", 10_000);
    await untilServing(lonely, 1, [pid]);
    assert.equal(await verdict({ host, port }), "200 ready");
  });

  it("refuses readiness while the director drains; metrics and open connections go on", async () => {
    const { host, port } = await observed();
    const echo = await startEchoEndpoint();
    const shop: Shop<"web"> = await startShop({
      engine: "node",
      listeners: { web: { to: echo.port } },
      more: { director: { observe: `${host}:${port}`, drain: "20s" } },
    });
    const client = await shop.connect("web");
    await client.send("before");
    await client.read.until("before");
    shop.director.signal("SIGTERM");
    await eventually(async () => (await verdict({ host, port })) === "503 draining", 10_000);
    assert.equal(await verdict({ host, port }, "/healthz"), "200 ok");
    assert.equal((await shop.director.status()).state, "draining");
    await eventually(async () => {
      const { body } = await ask({ host, port }, "/metrics");
      return parsePrometheusText(body).value("tlsd_workers", { state: "draining" }) === 1;
    }, 10_000);
    await client.send("after");
    await client.read.until("after");
    client.end();
    assert.equal((await shop.director.exited).code, 0);
    await assert.rejects(ask({ host, port }, "/healthz"), { code: "ECONNREFUSED" });
  });
});
