import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type ClientHttp2Session } from "node:http2";
import { execFile } from "node:child_process";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { Readable } from "node:stream";
import { Agent, request } from "undici";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { isEvent } from "#harness/log-capture.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa } from "#harness/test-ca.ts";

const run = promisify(execFile);
const BODY_BYTES = 3_000_000;

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
  let director: Director;
  let documentOf: (port: number) => object;
  /** Answers the request for `/slow`. */
  let release: (() => void) | undefined;

  /** Answers with the method, the target and the length of the body of a request, or for `/big` with 3 MB. */
  function echo(incoming: IncomingMessage, response: ServerResponse): void {
    if (incoming.url === "/big") {
      response.end("x".repeat(BODY_BYTES));
      return;
    }
    if (incoming.url === "/slow") {
      release = () => void response.end("slow");
      return;
    }
    let length = 0;
    incoming.on("data", (chunk: Buffer) => {
      length += chunk.length;
    });
    incoming.on("end", () => response.end(`${incoming.method} ${incoming.url} ${length}`));
  }

  before(async () => {
    const web = await startHttpEndpoint(echo, { host: uniqueVirtualIp() });
    const ca = await createTestCa("shops");
    const issued = await ca.issue({ names: ["shop.example"] });
    documentOf = (port) =>
      shopDocument({
        ...{ ip, port },
        servers: { web: web.host },
        to: web.port,
        listener: { mode: "http", accessLog: "full" },
      });
    director = await startDirector({
      engine,
      workers: 1,
      files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
      document: documentOf(8443),
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

    it("undici gets pages, sends 3 MB and streams a body, many at once over one connection", async () => {
      const agent = new Agent({
        allowH2: true,
        connections: 1,
        pipelining: 100,
        connect: { rejectUnauthorized: false, servername: "shop.example" },
      });
      closeAtTestEnd(() => agent.destroy());
      const send = async (path: string, body?: Buffer | Readable): Promise<string> => {
        const method = body === undefined ? "GET" : "POST";
        const answer = await request(`${origin}${path}`, {
          dispatcher: agent,
          method,
          body: body ?? null,
        });
        assert.equal(answer.statusCode, 200);
        return answer.body.text();
      };
      const pieces = Array.from({ length: 50 }, (_, number) => `piece ${number}`);
      const answers = await Promise.all([
        ...Array.from({ length: 40 }, (_, number) => send(`/undici/${number}`)),
        send("/big"),
        send("/up", Buffer.alloc(BODY_BYTES, "u")),
        send("/streamed", Readable.from(pieces, { objectMode: false })),
      ]);
      for (const [number, answer] of answers.slice(0, 40).entries()) {
        assert.equal(answer, `GET /undici/${number} 0`);
      }
      assert.equal(answers[40]?.length, BODY_BYTES);
      assert.equal(answers[41], `POST /up ${BODY_BYTES}`);
      assert.equal(answers[42], `POST /streamed ${pieces.join("").length}`);
      const linesOf = () =>
        director.logs.filter(
          (line) => isEvent(line, "exchange") && String(line["path"]).startsWith("/undici/"),
        );
      await eventually(() => linesOf().length === 40);
      const seen = linesOf().map(({ id, protocol }) => `${String(id)} ${String(protocol)}`);
      assert.equal(new Set(seen).size, 1);
      assert.match(seen[0] ?? "", / HTTP\/2\.0$/);
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

    it("a session gets GOAWAY at once when its listener leaves the document, and the answers that it waits for", async () => {
      const session = connect(origin, { rejectUnauthorized: false });
      const goaways: number[] = [];
      session.on("goaway", (_code, lastStreamId) => goaways.push(lastStreamId ?? -1));
      const slow = ask(session, "/slow");
      await eventually(() => release !== undefined);
      const { outcome } = await director.reload(documentOf(8444));
      assert.equal(outcome, "applied");
      await eventually(() => goaways.length === 2);
      assert.deepEqual(goaways, [2 ** 31 - 1, 1]);
      release?.();
      assert.deepEqual(await slow, [200, "slow"]);
      await new Promise((resolve) => session.once("close", resolve));
    });
  });
});
