import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { Readable } from "node:stream";
import { before, describe, it, type TestContext } from "node:test";
import { Agent, request, type Dispatcher } from "undici";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import type { Digest } from "#harness/byte-reader.ts";
import { curl } from "#harness/clients.ts";
import { eventually } from "#harness/deadline.ts";
import { forEachEngine } from "#harness/engines.ts";
import { FILE_ENDPOINTS, type FileEndpoint } from "#harness/file-endpoints.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { requirePackage } from "#harness/packages.ts";
import { patternBytes, patternDigest, patternSlice } from "#harness/pattern.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";

type Server = keyof typeof FILE_ENDPOINTS;
const servers = Object.keys(FILE_ENDPOINTS) as readonly Server[];
const fileBytes = 100_000;
const file = patternBytes(fileBytes);
const largeBytes = scaled({ short: 12, long: 256 }) << 20;
const pieceBytes = 64 * 1024;
/** An endpoint that was down is tried again after some seconds. */
const upAgainMs = 15_000;
const closedPort = 1;
/** Each endpoint gets ten requests. Three of them need a new connection, after a start of the endpoint or as the first one of a curl. */
const leastReused = 7;

/** The first `bytes` of the pattern as a stream, so that undici sends it in chunks unless the length is given. */
const patternStream = (bytes: number): Readable =>
  Readable.from(
    (function* pieces() {
      for (let at = 0; at < bytes;) {
        const piece = patternSlice(at, Math.min(pieceBytes, bytes - at));
        yield piece;
        at += piece.length;
      }
    })(),
  );

async function digestOf({ body }: Dispatcher.ResponseData): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

forEachEngine((engine) => {
  describe("a real endpoint of mode http", { concurrency: false }, () => {
    const endpoints = new Map<Server, FileEndpoint>();
    /** Why a server cannot be tested here. */
    const missing = new Map<Server, string>();
    let shop: Shop<Server>;
    let agent: Agent;

    before(async () => {
      const host = uniqueVirtualIp();
      for (const server of servers) {
        const { needs, start } = FILE_ENDPOINTS[server];
        const skip = (reason: string) => void missing.set(server, reason);
        if (needs === undefined || (await requirePackage({ skip }, needs[0], needs[1]))) {
          endpoints.set(server, await start(host));
        }
      }
      const listeners = servers.map((server) => {
        const to = endpoints.get(server)?.port ?? closedPort;
        return [server, { mode: "http", to }];
      });
      shop = await startShop<Server>({
        engine,
        servers: { web: host },
        listeners: Object.fromEntries(listeners) as Record<Server, object>,
      });
      agent = new Agent({
        connections: 1,
        connect: { ca: shop.ca.certificatePem, servername: "shop.example" },
      });
      closeAtTestEnd(() => agent.destroy());
    });

    for (const server of servers) {
      const ask = (
        path: string,
        options: Partial<Dispatcher.RequestOptions> = {},
        dispatcher = agent,
      ): Promise<Dispatcher.ResponseData> =>
        request(`https://${shop.ip}:${shop.portOf(server)}${path}`, { ...options, dispatcher });

      const test = (title: string, work: (t: TestContext) => Promise<void>): void => {
        it(`${server} ${title}`, async (t) => {
          const reason = missing.get(server);
          if (reason === undefined) await work(t);
          else t.skip(reason);
        });
      };

      test("gets bodies with a length and in chunks, and its answers arrive whole", async () => {
        const length = { "content-length": String(fileBytes) };
        for (const [path, headers] of [
          ["/by-length", length],
          ["/by-chunks", {}],
        ] as const) {
          const body = patternStream(fileBytes);
          const stored = await ask(path, { method: "PUT", headers, body });
          await stored.body.dump();
          assert.equal(stored.statusCode, 201);
          const got = await ask(path);
          assert.equal(got.statusCode, 200);
          assert.ok(file.equals(Buffer.from(await got.body.arrayBuffer())));
        }
      });

      test("answers HEAD, 304, a range and 404 over one connection", async () => {
        const head = await ask("/by-length", { method: "HEAD" });
        assert.equal(await head.body.text(), "");
        assert.deepEqual(
          [head.statusCode, head.headers["content-length"]],
          [200, String(fileBytes)],
        );
        const { etag } = head.headers;
        const headers = { "if-none-match": String(etag) };
        const unchanged = await ask("/by-length", { headers });
        assert.equal(await unchanged.body.text(), "");
        assert.deepEqual([unchanged.statusCode, unchanged.headers["etag"]], [304, etag]);
        const part = await ask("/by-length", { headers: { range: "bytes=1000-1999" } });
        assert.equal(part.statusCode, 206);
        assert.equal(part.headers["content-range"], `bytes 1000-1999/${fileBytes}`);
        assert.ok(file.subarray(1000, 2000).equals(Buffer.from(await part.body.arrayBuffer())));
        const none = await ask("/none");
        await none.body.dump();
        assert.equal(none.statusCode, 404);
      });

      test("takes and gives large bodies at the same time", async () => {
        const headers = { "content-length": String(largeBytes) };
        const method = "PUT";
        const put = (path: string, body: Readable) => ask(path, { method, headers, body });
        await (await put("/large", patternStream(largeBytes))).body.dump();
        const second = new Agent({
          connect: { ca: shop.ca.certificatePem, servername: "shop.example" },
        });
        const [got, stored] = await Promise.all([
          ask("/large", {}, second).then(digestOf),
          put("/larger", patternStream(largeBytes)),
        ]);
        await stored.body.dump();
        assert.equal(stored.statusCode, 201);
        assert.deepEqual(got, patternDigest(largeBytes));
        await second.close();
      });

      test("tells curl to send a body that it has announced, and curl uses its connection again", async (t) => {
        if (!(await requirePackage(t, "curl"))) return;
        const folder = await makeTempFolder();
        await writeFiles(folder, { "ca.pem": shop.ca.certificatePem, body: file });
        const port = shop.portOf(server);
        const { code, output } = await curl([
          ...["--http1.1", "-v", "--cacert", join(folder, "ca.pem")],
          ...["--resolve", `shop.example:${port}:${shop.ip}`, "--expect100-timeout", "8"],
          ...["-H", "Expect: 100-continue", "-T", join(folder, "body")],
          `https://shop.example:${port}/curl`,
          "--next",
          ...["--http1.1", "-v", "--cacert", join(folder, "ca.pem"), "-o", join(folder, "got")],
          `https://shop.example:${port}/curl`,
        ]);
        assert.equal(code, 0, output);
        assert.match(output, /< HTTP\/1\.1 100 [^]*< HTTP\/1\.1 201 [^]*< HTTP\/1\.1 200 /);
        assert.match(output, /Re-using existing connection/);
        assert.match(output, new RegExp(`< content-length: ${fileBytes}`, "i"));
      });

      test("may be restarted: an idle connection of the client goes on", async () => {
        const endpoint = endpoints.get(server) ?? assert.fail();
        const statusOf = async (): Promise<number> => {
          const { statusCode, body } = await ask("/any");
          await body.dump();
          return statusCode;
        };
        assert.equal(await statusOf(), 404);
        await endpoint.stop();
        assert.equal(await statusOf(), 503);
        await endpoint.start();
        await eventually(async () => (await statusOf()) === 404, upAgainMs, "the endpoint");
      });
    }

    it("serves one request after the other over a connection", async () => {
      const reusedBy = async (server: Server): Promise<number> => {
        const listener = `front.shop:${shop.portOf(server)}`;
        return (await shop.director.metrics()).sum("tlsd_http_pool_reused_total", { listener });
      };
      for (const server of endpoints.keys()) {
        const isReused = async () => (await reusedBy(server)) >= leastReused;
        await eventually(isReused, 5_000, `${server} to be used again`);
      }
    });

    it("node sends 102 and 103 before its answer, and curl gets them", async (t) => {
      if (!(await requirePackage(t, "curl"))) return;
      const port = shop.portOf("node");
      const { output } = await curl(["-ik", "--http1.1", `https://${shop.ip}:${port}/hints`]);
      assert.match(
        output,
        /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nlink: <\/style\.css>; rel=preload; as=style\r\n\r\nHTTP\/1\.1 404 /i,
      );
    });
  });
});
