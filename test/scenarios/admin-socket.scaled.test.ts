import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { before, beforeEach, describe, it } from "node:test";
import type { FailureShape } from "#model/failure.ts";
import type { ListenerStatus, VnicStatus } from "#model/records/status.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { eventually } from "#harness/deadline.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { descendantsOf } from "#harness/process-facts.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa, type IssuedCertificate } from "#harness/test-ca.ts";
import { tlsConnect } from "#harness/tls-client.ts";

const downDeadlineMs = 10_000;
const failureKeys = ["code", "message", "hint"];

/** One profile a state: it serves, its only server is down, it lives nowhere, it is switched off, it needs no server. */
function profilesOf(ports: { readonly echo: number; readonly closed: number }): object {
  const health = { interval: "500ms", timeout: "500ms", fall: 1 };
  const vnicTo = (to: number, rest: object = {}) => ({
    servers: ["web"],
    vnics: {
      front: {
        ip: uniqueVirtualIp(),
        listeners: [{ port: 8443, to, certificates: ["shop"], health }],
        ...rest,
      },
    },
  });
  return {
    serving: vnicTo(ports.echo),
    broken: vnicTo(ports.closed),
    nowhere: { ...vnicTo(ports.echo), servers: [] },
    off: vnicTo(ports.echo, { admin: "down" }),
    redirecting: vnicTo(ports.echo, { listeners: [{ port: 8080, mode: "redirect", to: 8443 }] }),
  };
}

interface Listed {
  readonly etag: string;
  readonly written: object;
}

/** An item of a list without what is written about it. */
const unlisted = <Item extends Listed>(item: Item): Omit<Item, "etag" | "written"> => {
  const { etag: _, written: __, ...state } = item;
  return state;
};

describe("the admin socket", { concurrency: true }, () => {
  forEachEngineIfLong("bun", (engine) => {
    const ip = uniqueVirtualIp();
    const startedAtMs = Date.now();
    let issued: IssuedCertificate;
    let caPem: string;
    let echoPort: number;
    let director: Director;

    before(async () => {
      const ca = await createTestCa();
      caPem = ca.certificatePem;
      issued = await ca.issue({ names: ["shop.example", "*.shop.example"] });
      const echo = await startEchoEndpoint();
      echoPort = echo.port;
      const shop = shopDocument({ ip, servers: { web: echo.host }, to: echo.port });
      const { profiles } = shop as { readonly profiles: object };
      director = await startDirector({
        document: {
          ...shop,
          profiles: { ...profiles, ...profilesOf({ echo: echo.port, closed: await freePort() }) },
        },
        engine,
        workers: 2,
        files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
      });
    });

    const get = async <Reply>(path: string): Promise<Reply> => {
      const { status, body } = await director.api(path);
      assert.equal(status, 200, path);
      return body as Reply;
    };

    // One after the other: some look at a director without connections.
    describe("of a director", { concurrency: false }, () => {
      beforeEach(async () => {
        await eventually(async () => (await director.status()).openConnections === 0);
      });

      it("is for its owner only", async () => {
        const { mode } = await stat(director.socketPath);
        assert.equal(mode & 0o777, 0o600);
        assert.equal((await stat(dirname(director.socketPath))).mode & 0o777, 0o700);
      });

      it("tells the state of the director", async () => {
        const { startedAt, changedAt, version, notices, warnings, certificates, ...status } =
          await director.status();
        assert.deepEqual(status, {
          state: "serving",
          engine,
          pid: director.pid,
          revision: 1,
          file: { path: director.documentPath, state: "in-force" },
          workers: { wanted: 2, serving: 2 },
          openConnections: 0,
          cuts: [],
          profilesOnStandby: [],
        });
        assert.match(version, /^\d+\.\d+\.\d+$/);
        for (const time of [startedAt, changedAt]) {
          assert.equal(new Date(time).toISOString(), time);
          assert.ok(Date.parse(time) >= startedAtMs && Date.parse(time) <= Date.now());
        }
        assert.ok(notices.every((notice) => notice.length > 0));
        const places = warnings.map(({ code, path }) => `${code} ${path}`);
        assert.deepEqual(places, ["no-server profiles.nowhere.servers"]);
        const listed = await get<readonly Listed[]>("/v1/certificates");
        assert.deepEqual(certificates, listed.map(unlisted));
      });

      it("tells the workers, which are processes of the director", async () => {
        const workers = await eventually(async () => {
          const all = await director.workers();
          return all.every(({ residentBytes }) => residentBytes > 0) && all;
        });
        const children = descendantsOf(director.pid).map(({ pid }) => pid);
        const runtime =
          engine === "bun" ? /^bun \d.*BoringSSL, native sockets$/ : /^node \d.*OpenSSL \d/;
        assert.equal(workers.length, 2);
        for (const worker of workers) {
          const { pid, startedAt, residentBytes, loopDelayMs, id, runtime: runs, ...rest } = worker;
          assert.ok(children.includes(pid) && id > 0);
          assert.match(runs, runtime);
          assert.ok(residentBytes > 1_000_000 && loopDelayMs >= 0);
          assert.ok(Date.parse(startedAt) >= startedAtMs);
          assert.deepEqual(rest, { engine, state: "serving", snapshot: 1, openConnections: 0 });
        }
      });

      it("tells the vNICs, with what is asked of them and what is so", async () => {
        const stateOf = ({ admin, oper }: VnicStatus): string => `${admin}/${oper}`;
        const vnics = await eventually(async () => {
          const all = await get<readonly VnicStatus[]>("/v1/vnics");
          const broken = all.find(({ profile }) => profile === "broken");
          return broken?.oper === "down" && all;
        }, downDeadlineMs);
        assert.deepEqual(Object.fromEntries(vnics.map((vnic) => [vnic.name, stateOf(vnic)])), {
          "front.shop": "up/up",
          "front.serving": "up/up",
          "front.broken": "up/down",
          "front.nowhere": "up/down",
          "front.off": "down/down",
          "front.redirecting": "up/up",
        });
        const { stdout } = await director.cli("show", "vnics");
        for (const vnic of vnics) {
          assert.match(stdout, new RegExp(`^${vnic.name} +${stateOf(vnic)} +${vnic.ip} `, "m"));
        }
        const front = vnics.find(({ name }) => name === "front.shop");
        assert.deepEqual(front?.servers, ["web"]);
        assert.deepEqual([front.profile, front.ip], ["shop", ip]);
      });

      it("tells the listeners, with their open connections", async () => {
        const options = { host: ip, port: 8443, ca: caPem, servername: "shop.example" };
        await using _client = await tlsConnect(options);
        const listener = await eventually(async () => {
          const all = await get<readonly (Listed & ListenerStatus)[]>("/v1/listeners");
          return all.map(unlisted).find(({ openConnections }) => openConnections === 1);
        });
        assert.deepEqual(listener, {
          name: "front.shop:8443",
          port: 8443,
          mode: "tcp",
          to: String(echoPort),
          policy: "intermediate",
          certificates: ["shop"],
          names: 0,
          routes: [],
          openConnections: 1,
          oper: "up",
        });
      });

      it("tells the certificates, and nothing of their keys", async () => {
        const reply = await director.api("/v1/certificates");
        const listed = reply.body as readonly Listed[];
        const [certificate, ...others] = listed.map(unlisted) as Record<string, unknown>[];
        assert.deepEqual(others, []);
        const facts = certificate?.["facts"] as Record<string, unknown>;
        assert.deepEqual(
          { ...certificate, facts: {} },
          {
            ...{ name: "shop", source: "files", state: "ok", facts: {} },
            ...{ attention: [], uses: 5 },
          },
        );
        assert.deepEqual(facts["names"], ["shop.example", "*.shop.example"]);
        assert.equal(String(facts["serialNumber"]).toLowerCase(), issued.serial.toLowerCase());
        assert.equal(facts["keyType"], "ecdsa");
        assert.ok(Number(facts["notAfterMs"]) > Date.now());
        assert.doesNotMatch(JSON.stringify(reply.body), /PRIVATE|BEGIN/);
      });

      it("says what is wrong with a request in the shape of the catalogue", async () => {
        for (const [path, method, status, code] of [
          ["/v1/nothing", "GET", 404, "not-found"],
          ["/v1/status/more", "GET", 404, "not-found"],
          ["/v1/status", "DELETE", 405, "method-not-allowed"],
          ["/v1/handshakes?limit=-1", "GET", 400, "bad-request"],
          ["/v1/handshakes?unknown=1", "GET", 400, "bad-request"],
        ] as const) {
          const reply = await director.api(path, { method });
          const failure = reply.body as FailureShape;
          assert.deepEqual([reply.status, failure.code], [status, code], path);
          for (const key of failureKeys) assert.ok(Object.hasOwn(failure, key), key);
        }
      });
    });
  });
});
