import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type ClientHttp2Session } from "node:http2";
import { execFile } from "node:child_process";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa } from "#harness/test-ca.ts";

const run = promisify(execFile);
const BODY_BYTES = 3_000_000;

/** Answers with the method, the target and the length of the body of a request, or for `/big` with 3 MB. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === "/big") {
    response.end("x".repeat(BODY_BYTES));
    return;
  }
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
  });
  request.on("end", () => response.end(`${request.method} ${request.url} ${length}`));
}

/** Sends a request over a session of node:http2. Resolves with its status and body. */
const ask = (
  session: ClientHttp2Session,
  path: string,
  body?: Buffer,
): Promise<readonly [status: unknown, body: string]> =>
  new Promise((resolve, reject) => {
    const stream = session.request({
      ":path": path,
      ":method": body === undefined ? "GET" : "POST",
    });
    let status: unknown;
    let text = "";
    stream.setEncoding("latin1");
    stream.on("response", (fields) => {
      status = fields[":status"];
    });
    stream.on("data", (chunk: string) => {
      text += chunk;
    });
    stream.on("end", () => resolve([status, text]));
    stream.on("error", reject);
    stream.end(body);
  });

forEachEngine((engine) => {
  const ip = uniqueVirtualIp();
  const origin = `https://${ip}:8443`;

  before(async () => {
    const web = await startHttpEndpoint(echo, { host: uniqueVirtualIp() });
    const ca = await createTestCa("shops");
    const issued = await ca.issue({ names: ["shop.example"] });
    await startDirector({
      engine,
      workers: 1,
      files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
      document: shopDocument({
        ip,
        servers: { web: web.host },
        to: web.port,
        listener: { mode: "http" },
        profile: { servers: ["web"] },
        more: { certificates: { shop: { chain: "shop.pem", key: "shop.key" } } },
      }),
    });
  });

  describe("over HTTP/2", () => {
    it("curl gets a page, and its upload arrives", async () => {
      const flags = ["-sk", "--http2", "--max-time", "20", "-w", " %{http_version} %{http_code}"];
      const { stdout } = await run("curl", [...flags, `${origin}/page`]);
      assert.equal(stdout, "GET /page 0 2 200");
      const upload = "y".repeat(100_000);
      const posted = await run("curl", [...flags, "-d", upload, `${origin}/post`]);
      assert.equal(posted.stdout, "POST /post 100000 2 200");
    });

    it("nghttp gets several pages at once", async () => {
      const { stdout } = await run("nghttp", ["-ans", "-m", "20", `${origin}/page`]);
      assert.equal(stdout.split("\n").filter((line) => line.includes(" 200 ")).length, 20);
    });

    it("h2load gets 2,000 answers over 4 connections of 20 streams", async () => {
      const { stdout } = await run("h2load", ["-n2000", "-c4", "-m20", `${origin}/page`]);
      assert.match(stdout, /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
    });

    it("node:http2 gets 3 MB and sends 3 MB, many at once", async () => {
      const session = connect(origin, { rejectUnauthorized: false });
      const upload = Buffer.alloc(BODY_BYTES, "z");
      const answers = await Promise.all([
        ...Array.from({ length: 20 }, (_, number) => ask(session, `/${number}`)),
        ask(session, "/big"),
        ask(session, "/up", upload),
        ask(session, "/big"),
      ]);
      session.close();
      for (const [number, answer] of answers.slice(0, 20).entries()) {
        assert.deepEqual(answer, [200, `GET /${number} 0`]);
      }
      assert.equal(answers[20]?.[1].length, BODY_BYTES);
      assert.equal(answers[22]?.[1].length, BODY_BYTES);
      assert.deepEqual(answers[21], [200, `POST /up ${BODY_BYTES}`]);
    });
  });
});
