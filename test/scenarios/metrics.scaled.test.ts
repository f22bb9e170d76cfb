import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import {
  CERTIFICATE_METRICS,
  DIRECTOR_METRICS,
  LISTENER_METRICS,
  SERVER_METRICS,
} from "#model/records/metric-catalog.ts";
import type { Metric } from "#model/records/metric.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { runToExit } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { findProgram } from "#harness/packages.ts";
import { patternBytes } from "#harness/pattern.ts";
import { assertPrometheusText, seriesOf } from "#harness/prometheus-rules.ts";
import type { Labels, Metrics } from "#harness/prometheus-text.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import type { TlsClient } from "#harness/tls-client.ts";

const requestBytes = 54_321;
const countedDeadlineMs = 15_000;
const catalogue: readonly Metric[] = [
  ...LISTENER_METRICS,
  ...SERVER_METRICS,
  ...CERTIFICATE_METRICS,
  ...DIRECTOR_METRICS,
];

/** The labels of the metrics whose labels the catalogue describes in words. */
const labelsInWords: Readonly<Record<string, readonly string[]>> = {
  tlsd_info: ["engine", "version"],
  tlsd_worker_memory_bytes: ["worker"],
  tlsd_worker_loop_delay_seconds: ["worker"],
  tlsd_certificate_not_after_seconds: ["certificate"],
  tlsd_certificate_source_ok: ["certificate"],
  ...Object.fromEntries(SERVER_METRICS.map(({ name }) => [name, ["server", "vnic"]])),
  ...Object.fromEntries(CERTIFICATE_METRICS.map(({ name }) => [name, ["certificate"]])),
  tlsd_server_state: ["server", "state"],
  tlsd_profile_on_standby: ["profile"],
  tlsd_profile_flapping: ["profile"],
  tlsd_endpoint_up: ["endpoint", "listener", "server", "vnic"],
};

function labelsOf(metric: Metric): readonly string[] {
  const isOfListener = LISTENER_METRICS.some(({ name }) => name === metric.name);
  const own = metric.label === undefined ? [] : [metric.label];
  const scope = isOfListener ? ["listener", "vnic"] : (labelsInWords[metric.name] ?? []);
  return [...own, ...scope].toSorted();
}

describe("metrics", { concurrency: true }, () => {
  forEachEngineIfLong("bun", (engine) => {
    let shop: Shop<"web" | "refused" | "http">;

    before(async () => {
      const echo = await startEchoEndpoint();
      const health = { interval: "200ms", timeout: "1s" };
      shop = await startShop({
        engine,
        servers: { web: "127.0.0.1", spare: "127.0.0.2" },
        profile: { servers: ["web"], standby: ["spare"] },
        listeners: {
          web: { to: echo.port, health },
          refused: { to: await freePort() },
          // Only to have the metrics of requests.
          http: { to: echo.port, mode: "http" },
        },
      });
    });

    const webLabels = (): Labels => ({ vnic: "front.shop", listener: "front.shop:8443" });

    /** Resolves with the scrape that `isIt` holds of; workers report their counts once a second. */
    const scrapeWhen = (isIt: (metrics: Metrics) => void): Promise<Metrics> =>
      eventually(
        async () => {
          const metrics = await shop.director.metrics();
          isIt(metrics);
          return metrics;
        },
        countedDeadlineMs,
        "metrics that count what was done",
      );

    async function serve(
      session?: Buffer,
    ): Promise<{ session: Buffer | undefined; address: string }> {
      const localAddress = uniqueVirtualIp();
      const client = await shop.connect("web", { localAddress, ...(session && { session }) });
      await client.send(patternBytes(requestBytes));
      await client.read.bytes(requestBytes);
      const made = client.socket.getSession();
      client.end();
      await client.read.toEnd();
      return { session: made, address: localAddress };
    }

    /** A client that does not speak TLS. */
    async function beRude(): Promise<void> {
      await using rude = await rawConnect({ host: shop.ip, port: shop.portOf("web") });
      await rude.send("no TLS");
      await rude.read.outcome();
    }

    // One after the other: each looks at what has changed.
    describe("of a director", { concurrency: false }, () => {
      it("count connections, handshakes, endpoints, bytes and times of each listener", async () => {
        const startedAtMs = performance.now();
        const former = await shop.director.metrics();
        const { session } = await serve();
        await serve();
        await serve(session);
        await beRude();
        await (await shop.connect("refused")).read.outcome();
        const web = webLabels();
        const refused = { vnic: "front.shop", listener: "front.shop:8444" };
        const expected: readonly (readonly [string, Labels, number])[] = [
          ["tlsd_connections_accepted_total", web, 4],
          ["tlsd_connections_open", web, 0],
          ["tlsd_connections_ended_total", { ...web, outcome: "completed" }, 3],
          ["tlsd_handshakes_total", { ...web, session: "new" }, 2],
          ["tlsd_handshakes_total", { ...web, session: "resumed" }, 1],
          ["tlsd_handshakes_failed_total", { ...web, cause: "not-tls" }, 1],
          ["tlsd_endpoint_connects_total", web, 3],
          ["tlsd_bytes_from_clients_total", web, 3 * requestBytes],
          ["tlsd_bytes_to_clients_total", web, 3 * requestBytes],
          ["tlsd_handshake_seconds_count", web, 3],
          ["tlsd_endpoint_connect_seconds_count", web, 3],
          ["tlsd_first_byte_seconds_count", web, 3],
          ["tlsd_connection_seconds_count", web, 3],
          ["tlsd_connections_accepted_total", refused, 1],
          ["tlsd_connections_ended_total", { ...refused, outcome: "endpoint-failed" }, 1],
          ["tlsd_endpoint_connects_failed_total", { ...refused, cause: "refused" }, 1],
          ["tlsd_endpoint_connects_total", refused, 0],
        ];
        const metrics = await scrapeWhen((scrape) => {
          const seen = expected.map(([name, labels]) => [
            name,
            labels,
            (scrape.value(name, labels) ?? 0) - (former.value(name, labels) ?? 0),
          ]);
          assert.deepEqual(seen, expected);
        });
        // And nothing else: what is labelled adds up to what was done.
        const grown = (name: string): number => metrics.sum(name) - former.sum(name);
        assert.equal(grown("tlsd_connections_ended_total"), 4);
        assert.equal(grown("tlsd_handshakes_failed_total"), 1);
        assert.equal(grown("tlsd_endpoint_connects_failed_total"), 1);
        const elapsedSeconds = (performance.now() - startedAtMs) / 1000;
        for (const name of ["handshake", "endpoint_connect", "first_byte", "connection"]) {
          const sum = `tlsd_${name}_seconds_sum`;
          const seconds = (metrics.value(sum, web) ?? 0) - (former.value(sum, web) ?? 0);
          assert.ok(seconds > 0 && seconds < elapsedSeconds, `${name}: ${seconds} s`);
        }
      });

      it("have a gauge of open connections that goes up and back", async () => {
        const web = webLabels();
        const clients = [await shop.connect("web"), await shop.connect("web")];
        await scrapeWhen((scrape) => assert.equal(scrape.value("tlsd_connections_open", web), 2));
        assert.equal((await shop.director.status()).openConnections, 2);
        for (const client of clients) client.end();
        await scrapeWhen((scrape) => assert.equal(scrape.value("tlsd_connections_open", web), 0));
      });

      it("count the bytes of an open connection before it ends, and each of them once", async () => {
        const web = webLabels();
        const names = ["tlsd_bytes_from_clients_total", "tlsd_bytes_to_clients_total"] as const;
        const earlier = await shop.director.metrics();
        const since = (scrape: Metrics): readonly number[] =>
          names.map((name) => (scrape.value(name, web) ?? 0) - (earlier.value(name, web) ?? 0));
        const client = await shop.connect("web");
        for (const bytes of [requestBytes, 2 * requestBytes]) {
          await client.send(patternBytes(requestBytes));
          await client.read.bytes(requestBytes);
          await scrapeWhen((scrape) => assert.deepEqual(since(scrape), [bytes, bytes]));
        }
        await client.send(patternBytes(1));
        client.end();
        await client.read.toEnd();
        const all = 2 * requestBytes + 1;
        await scrapeWhen((scrape) => {
          assert.equal(scrape.value("tlsd_connections_open", web), 0);
          assert.deepEqual(since(scrape), [all, all]);
        });
      });

      it("are all of the catalogue, as Prometheus reads them, and never labelled by client", async () => {
        // Some metrics have a sample only once something was counted, and a client address could be a label only then.
        const { address: clientAddress } = await serve();
        await (await shop.connect("refused")).read.outcome();
        await beRude();
        await scrapeWhen((scrape) => {
          assert.ok(scrape.sum("tlsd_handshakes_failed_total") > 0);
          assert.ok(scrape.sum("tlsd_endpoint_connects_failed_total") > 0);
        });
        const { headers, body } = await shop.director.api("/metrics");
        assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        const text = String(body);
        const kinds = assertPrometheusText(text);
        const expected = new Map(catalogue.map(({ name, kind }) => [name, kind]));
        assert.deepEqual(kinds, expected);
        const { samples } = await shop.director.metrics();
        for (const metric of catalogue) {
          const { name, kind, values, label = "" } = metric;
          const own = samples.filter(
            (sample) => sample.name.replace(/_(bucket|sum|count)$/, "") === name,
          );
          // Causes that have not occurred, histograms without observations, and addresses that are there are left out.
          const canBeMissing =
            values !== undefined || kind === "histogram" || name === "tlsd_vnic_address_missing";
          assert.ok(own.length > 0 || canBeMissing, `${name} has no sample`);
          for (const { labels } of own) {
            const names = Object.keys(labels).filter((each) => each !== "le");
            assert.deepEqual(names.toSorted(), labelsOf(metric), name);
            if (values !== undefined) assert.ok(values.includes(labels[label] ?? ""), name);
          }
        }
        assert.ok(!text.includes(clientAddress));
        const promtool = findProgram("promtool");
        if (promtool === undefined) return;
        const checked = await runToExit(promtool, ["check", "metrics"], { input: text });
        assert.deepEqual([checked.code, checked.stderr], [0, ""]);
      });

      it("tell of the director: its document, changes, workers, certificates and endpoints", async () => {
        const { document } = shop;
        assert.notEqual((await shop.director.reload(document)).outcome, "refused");
        const former = await shop.director.metrics();
        assert.equal((await shop.director.reload(document)).outcome, "unchanged");
        assert.equal((await shop.director.reload({ ...document, servers: 3 })).outcome, "refused");
        const changed = { ...document, policies: { unused: {} } };
        assert.equal((await shop.director.reload(changed)).outcome, "applied");
        const metrics = await scrapeWhen((scrape) => {
          assert.ok((scrape.value("tlsd_worker_memory_bytes") ?? 0) > 1_000_000);
        });
        const status = await shop.director.status();
        const [certificate] = status.certificates;
        const [worker] = await shop.director.workers();
        const { samples } = metrics;
        const value = (name: string, labels: Labels = {}) => metrics.value(`tlsd_${name}`, labels);
        assert.equal(value("info", { version: status.version, engine }), 1);
        const grown = (name: string, labels: Labels = {}): number =>
          (value(name, labels) ?? 0) - (former.value(`tlsd_${name}`, labels) ?? 0);
        assert.equal(grown("document_revision"), 1);
        assert.equal(value("document_revision"), status.revision);
        assert.equal(grown("changes_total", { outcome: "applied" }), 1);
        assert.equal(grown("changes_total", { outcome: "refused" }), 1);
        assert.equal(grown("changes_total", { outcome: "unchanged" }), 1);
        assert.equal(grown("change_seconds_count"), 1);
        assert.equal(value("workers", { state: "serving" }), 1);
        assert.equal(metrics.sum("tlsd_workers"), 1);
        assert.equal(metrics.sum("tlsd_worker_restarts_total"), 0);
        assert.ok((value("worker_loop_delay_seconds", { worker: String(worker?.id) }) ?? -1) >= 0);
        const notAfterMs = certificate?.facts?.notAfterMs ?? 0;
        assert.equal(
          value("certificate_not_after_seconds", { certificate: "shop" }),
          Math.floor(notAfterMs / 1000),
        );
        assert.equal(value("certificate_source_ok", { certificate: "shop" }), 1);
        const endpoints = samples.filter(({ name }) => name === "tlsd_endpoint_up");
        // The profile has a standby server, so the listeners without `health` are checked too.
        assert.deepEqual(
          endpoints.map(({ labels }) => labels["listener"]),
          ["8443", "8444", "8445"].flatMap((port) => [`front.shop:${port}`, `front.shop:${port}`]),
        );
        assert.equal(endpoints[0]?.value, 1);
      });
    });
  });

  forEachEngineIfLong("bun", (engine) => {
    it("never go back when a worker is killed and replaced", async () => {
      const echo = await startEchoEndpoint();
      const shop: Shop<"web"> = await startShop({
        engine,
        workers: 2,
        listeners: { web: { to: echo.port } },
      });
      let last = await shop.director.metrics();
      const scrape = async (): Promise<Metrics> => {
        const metrics = await shop.director.metrics();
        const now = new Map(metrics.samples.map((sample) => [seriesOf(sample), sample.value]));
        for (const sample of last.samples) {
          const series = seriesOf(sample);
          const isCounter = /_(total|bucket|count|sum)$/.test(sample.name);
          const value = now.get(series) ?? NaN;
          assert.ok(!isCounter || value >= sample.value, `${series}: ${sample.value}, ${value}`);
        }
        last = metrics;
        return metrics;
      };
      const until = (isIt: (metrics: Metrics) => void): Promise<true> =>
        eventually(
          async () => {
            isIt(await scrape());
            return true;
          },
          countedDeadlineMs,
          "the metrics",
        );

      const clients: TlsClient[] = [];
      for (let count = 0; count < 16; count += 1) clients.push(await shop.connect("web"));
      // A connection is open before its handshake is counted, and a report may come in between.
      await until((metrics) => {
        assert.equal(metrics.sum("tlsd_connections_open"), clients.length);
        assert.equal(metrics.sum("tlsd_handshakes_total"), clients.length);
      });
      const [victim] = await shop.director.workers();
      assert.ok(victim !== undefined);
      process.kill(victim.pid, "SIGKILL");
      await until((metrics) => {
        const left = clients.length - victim.openConnections;
        assert.equal(metrics.sum("tlsd_connections_open"), left);
        assert.equal(metrics.sum("tlsd_worker_restarts_total", { cause: "exited" }), 1);
        assert.equal(metrics.sum("tlsd_workers", { state: "serving" }), 2);
      });
      assert.equal(last.sum("tlsd_handshakes_total"), clients.length);
      for (let count = 0; count < 4; count += 1) await shop.connect("web");
      await until((metrics) => {
        assert.equal(metrics.sum("tlsd_handshakes_total"), clients.length + 4);
      });
    });
  });
});
