import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { HeldKey } from "#control/certificates/held-key.ts";
import { freePort } from "#harness/addresses.ts";
import { startEndpoint } from "#harness/endpoint.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa, type IssueOptions, type TestCa } from "#harness/test-ca.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { Sources } from "#control/certificates/sources.ts";
import { CheckContexts } from "./check-contexts.ts";
import type { CheckResult, Untried } from "./check-result.ts";
import { settingsByListener, type CheckSettings } from "./check-settings.ts";
import { runCheck } from "./run-check.ts";

const HOST = "127.0.0.1";
const SLOW = { timeout: "30s" };

const endpointAt = (port: number): SnapshotEndpoint => ({
  ...{ kind: "tcp", server: "web", address: HOST, port, weight: 1 },
});

/** Returns the settings of a check as the document gives them. */
function settingsOf(health: object, listener: object = {}): CheckSettings {
  const listeners = [
    { port: 8443, to: 80, certificates: ["x"], health: { ...SLOW, ...health }, ...listener },
  ];
  const document = parseDocument({
    profiles: { shop: { vnics: { front: { ip: HOST, listeners } } } },
  }).draft;
  const settings = settingsByListener(document).get(listenersOf(document)[0]?.name as never);
  assert.ok(settings);
  return settings;
}

const contexts = new CheckContexts();
const check = (
  port: number,
  health: object,
  listener: object = {},
): Promise<CheckResult | Untried> =>
  runCheck(endpointAt(port), settingsOf(health, listener), contexts, () => undefined);

/** Returns the cause, the status and "up" or "down". */
const told = (result: CheckResult | Untried): readonly unknown[] => {
  if (result.isUp === undefined) return ["untried", result.text];
  return result.isUp ? ["up", result.status] : ["down", result.failure, result.status];
};

async function serve(answer: RequestListener): Promise<{
  readonly port: number;
  readonly requests: IncomingMessage[];
  readonly sockets: Set<Socket>;
}> {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  closeAtTestEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests, sockets };
}

/** An endpoint that answers each connection with these bytes. */
const say = async (text: string, ends = true): Promise<number> => {
  const endpoint = await startEndpoint((socket) => {
    socket.resume().write(text);
    if (ends) socket.end();
  });
  return endpoint.port;
};

describe("a check over HTTP", () => {
  it("sends the request of the settings to the endpoint and judges the status", async () => {
    const { port, requests } = await serve((_request, response) => {
      response.statusCode = 204;
      response.end();
    });
    assert.deepEqual(told(await check(port, { type: "http" })), ["up", 204]);
    const asked = {
      type: "http",
      method: "OPTIONS",
      path: "/live?a=%20b",
      host: "Shop.example:80",
    };
    assert.deepEqual(told(await check(port, { ...asked, status: "200, 300-399" })), [
      ...["down", "wrong-status", 204],
    ]);
    const result = await check(port, { ...asked, status: 200 });
    assert.match(
      result.isUp === false ? result.text : "",
      /^The health check got status 204, and expects 200\.$/,
    );
    assert.deepEqual(
      requests.map(({ method, url, headers }) => [method, url, headers.host]).slice(0, 2),
      [
        ["GET", "/", `${HOST}:${port}`],
        ["OPTIONS", "/live?a=%20b", "shop.example:80"],
      ],
    );
    assert.equal(requests[0]?.headers["connection"], "close");
  });

  it("does not follow a redirect, and contacts no proxy of the environment", async () => {
    const other = await serve((_request, response) => void response.end());
    const { port } = await serve((_request, response) => {
      response.writeHead(302, { location: `http://${HOST}:${other.port}/` }).end();
    });
    const environment = { ...process.env };
    for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "NODE_USE_ENV_PROXY"]) {
      process.env[name] = name.endsWith("ENV_PROXY") ? "1" : `http://${HOST}:${other.port}`;
    }
    try {
      assert.deepEqual(told(await check(port, { type: "http" })), ["up", 302]);
      assert.deepEqual(told(await check(port, { type: "http", status: "200-299" })), [
        ...["down", "wrong-status", 302],
      ]);
    } finally {
      process.env = environment;
    }
    assert.deepEqual([other.requests.length, other.sockets.size], [0, 0]);
  });

  it("looks for a text in the first 64 KiB of the body, also across chunks", async () => {
    const at = (offset: number): string => `${"x".repeat(offset)}ready${"x".repeat(80 * 1024)}`;
    const bodies: Readonly<Record<string, string>> = {
      "/first": at(0),
      "/last": at(64 * 1024 - 5),
      "/beyond": at(64 * 1024 - 4),
      "/none": "not yet",
    };
    const { port } = await serve((request, response) => {
      if (request.url === "/split") {
        response.write("rea");
        setImmediate(() => response.write("dy"));
      } else if (request.url === "/endless") {
        // The answer does not end, but has all that the check needs.
        response.write("ready");
      } else response.end(bodies[request.url ?? ""]);
    });
    const asked = (path: string) => check(port, { type: "http", path, body: "ready" });
    for (const path of ["/first", "/last", "/split", "/endless"]) {
      assert.deepEqual(told(await asked(path)), ["up", 200], path);
    }
    for (const path of ["/beyond", "/none"]) {
      assert.deepEqual(told(await asked(path)), ["down", "wrong-body", 200], path);
    }
  });

  it("reads no more of a body than it needs, and closes its connection", async () => {
    let sent = 0;
    const { port, sockets } = await serve((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && sent < 1e9) {
          sent += 16_384;
          if (!response.write("y".repeat(16_384))) return void response.once("drain", more);
        }
      };
      more();
    });
    const ask = check(port, { type: "http", body: "ready" });
    assert.deepEqual(told(await ask), ["down", "wrong-body", 200]);
    const [socket] = sockets;
    if (socket !== undefined) await new Promise((resolve) => socket.once("close", resolve));
    assert.ok(sent < 32_000_000, `${sent}`);
  });

  it("fails at its timeout, wherever the endpoint stops", async () => {
    const timeout = "1s";
    const { port } = await serve((request, response) => {
      if (request.url === "/body") response.write("slow");
      if (request.url === "/drip") setInterval(() => response.write("."), 20).unref();
    });
    const silent = await say("", false);
    const drip = await say("HTTP/1.1 200 OK\r\nx: ", false);
    const runs = [
      check(port, { type: "http", timeout }),
      check(port, { type: "http", path: "/body", body: "ready", timeout }),
      check(port, { type: "http", path: "/drip", body: "ready", timeout }),
      check(silent, { type: "http", timeout }),
      check(drip, { type: "http", timeout }),
      check(silent, { type: "tls", timeout }, { endpointTls: UNVERIFIED }),
    ];
    const startedMs = performance.now();
    for (const result of await Promise.all(runs)) {
      assert.deepEqual(told(result), ["down", "no-answer", undefined]);
    }
    assert.ok(performance.now() - startedMs < 10_000);
  });

  it("names answers that are not HTTP", async () => {
    const large = `HTTP/1.1 200 OK\r\n${`x: ${"y".repeat(1_000)}\r\n`.repeat(40)}\r\n`;
    for (const text of ["", "220 smtp.example\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", large]) {
      const port = await say(text);
      const ask = check(port, { type: "http" });
      assert.deepEqual(told(await ask), ["down", "bad-answer", undefined], text.slice(0, 20));
    }
    const reset = await startEndpoint((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    assert.deepEqual(told(await check(reset.port, { type: "http" })).slice(0, 2), [
      ...["down", "bad-answer"],
    ]);
  });

  it("waits for the final answer after a few interim ones", async () => {
    const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    for (const [interim, expected] of [
      [8, ["up", 200]],
      [9, ["down", "bad-answer", undefined]],
    ] as const) {
      const port = await say(`${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(interim)}${answer}`);
      assert.deepEqual(told(await check(port, { type: "http", body: "ok" })), expected);
    }
  });

  it("reads a bounded number of bytes, whatever they are", async () => {
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const cases = {
      [`${head}${"1\r\nx\r\n".repeat(65_536)}`]: "bad-answer",
      [`${head}${"1\r\nx\r\n".repeat(4_096)}0\r\n\r\n`]: "wrong-body",
      [`${head}${"1\r\nx\r\n".repeat(4_097)}0\r\n\r\n`]: "bad-answer",
      [`${head}1;${"x".repeat(1e6)}`]: "bad-answer",
      [`${head}0\r\n${`x: ${"y".repeat(99)}\r\n`.repeat(1e4)}`]: "bad-answer",
    };
    for (const [text, failure] of Object.entries(cases)) {
      const port = await say(text, false);
      const ask = check(port, { type: "http", body: "ready" });
      assert.deepEqual(told(await ask).slice(0, 2), ["down", failure], text.slice(45, 60));
    }
  });
});

const UNVERIFIED = { verify: false };

describe("a check over TLS", () => {
  let ca: TestCa;
  let other: TestCa;

  before(async () => {
    [ca, other] = await Promise.all([createTestCa(), createTestCa()]);
    const trustOf = (pem: string, id: string) => ({
      ...{ id, material: { kind: "trust", caPem: pem, crlPem: undefined } },
      validity: { authorities: [], lists: [] },
    });
    const director = await ca.issue({ names: ["director.example"], usage: "client" });
    const own = {
      material: {
        kind: "certificate",
        chainPem: director.chainPem,
        key: HeldKey.clear(director.keyPem),
      },
    };
    contexts.follow({
      certificates: new Map([["director", own]]),
      trusts: new Map([
        ["/ca.pem", trustOf(ca.certificatePem, "ca")],
        ["/other.pem", trustOf(other.certificatePem, "other")],
        ["", trustOf(other.certificatePem, "system")],
      ]),
    } as unknown as Sources);
  });

  const serveTls = async (issue: IssueOptions, asksClient = false) => {
    const { chainPem, keyPem } = await ca.issue(issue);
    const requests: IncomingMessage[] = [];
    const options = { cert: chainPem, key: keyPem, ca: ca.certificatePem };
    const server = createTlsServer(
      { ...options, requestCert: asksClient, rejectUnauthorized: asksClient },
      (request, response) => {
        requests.push(request);
        response.end("ok");
      },
    );
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    closeAtTestEnd(() => {
      server.closeAllConnections();
      server.close();
    });
    return { port: (server.address() as AddressInfo).port, requests };
  };

  it("verifies the name and the CA of the check, or those of `endpointTls`", async () => {
    const named = await serveTls({ names: ["web.example"] });
    const byAddress = await serveTls({ names: [HOST] });
    const expired = await serveTls({ names: ["web.example"], validity: "expired" });
    const good = { type: "tls", ca: "/ca.pem", serverName: "Web.Example" };
    const endpointTls = { ca: "/ca.pem", serverName: "web.example" };
    const cases: readonly (readonly [object, object, number, string])[] = [
      [good, {}, named.port, "up"],
      [{ type: "tls", ca: "/ca.pem" }, {}, byAddress.port, "up"],
      [{ type: "tls", ca: "/ca.pem" }, {}, named.port, "wrong-name"],
      [{ ...good, serverName: "b.example" }, {}, named.port, "wrong-name"],
      [{ ...good, ca: "/other.pem" }, {}, named.port, "untrusted"],
      [{ type: "tls" }, {}, named.port, "untrusted"],
      [good, {}, expired.port, "expired"],
      [{ type: "tls" }, { endpointTls }, named.port, "up"],
      [{ type: "tls" }, { endpointTls: UNVERIFIED }, expired.port, "up"],
      [{ type: "tls", ca: "/ca.pem" }, { endpointTls: UNVERIFIED }, expired.port, "expired"],
      [{ type: "http" }, { endpointTls }, named.port, "up"],
      [{ type: "http" }, { endpointTls: { ca: "/other.pem" } }, named.port, "untrusted"],
      [{ type: "http" }, { endpointTls: UNVERIFIED }, expired.port, "up"],
      [{ type: "tcp" }, { endpointTls: { ca: "/other.pem" } }, named.port, "up"],
    ];
    for (const [health, listener, port, expected] of cases) {
      const [state, failure] = told(await check(port, health, listener));
      assert.equal(state === "up" ? state : failure, expected, JSON.stringify([health, listener]));
    }
    assert.equal(named.requests[0]?.headers.host, "web.example");
  });

  it("presents the certificate of `endpointTls`, and keeps to the policy of the listener", async () => {
    const { port } = await serveTls({ names: [HOST] }, true);
    const endpointTls = { ca: "/ca.pem", certificate: "director" };
    assert.deepEqual(told(await check(port, { type: "http" }, { endpointTls })), ["up", 200]);
    const bare = { endpointTls: { ca: "/ca.pem" } };
    assert.equal(told(await check(port, { type: "http" }, bare))[0], "down");
  });

  it("says nothing about the endpoint while a CA bundle or certificate cannot be used", async () => {
    const { port } = await serveTls({ names: [HOST] });
    const missing = { endpointTls: { ca: "/ca.pem", certificate: "absent" } };
    assert.deepEqual(told(await check(port, { type: "tls", ca: "/gone.pem" })), [
      "untried",
      "The director cannot check it: the CA bundle /gone.pem cannot be used.",
    ]);
    assert.deepEqual(told(await check(port, { type: "http" }, missing)), [
      "untried",
      "The director cannot check it: certificate absent cannot be used.",
    ]);
  });

  it("names an endpoint that does not speak TLS", async () => {
    const port = await say("HTTP/1.1 400 Bad Request\r\n\r\n");
    assert.deepEqual(told(await check(port, { type: "tls", ca: "/ca.pem" })).slice(0, 2), [
      ...["down", "tls-failed"],
    ]);
  });

  it("builds a context once for equal settings", () => {
    const { tls } = settingsOf({ type: "tls", ca: "/ca.pem" });
    const again = settingsOf({ type: "tls", ca: "/ca.pem", serverName: "b.example" }).tls;
    assert.ok(tls && again);
    assert.equal(contexts.contextOf(tls), contexts.contextOf(again));
  });
});

describe("a check of a connection", () => {
  it("succeeds when the endpoint accepts, and is closed", async () => {
    const endpoint = await startEndpoint((socket) => void socket.resume());
    assert.deepEqual(told(await check(endpoint.port, {})), ["up", undefined]);
    const port = await freePort(HOST);
    assert.deepEqual(told(await check(port, {})).slice(0, 2), ["down", "refused"]);
  });

  it("reaches a unix socket", async () => {
    const path = join(await makeTempFolder(), "web.sock");
    const answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    const endpoint = await startEndpoint((socket) => void socket.resume().end(answer), { path });
    const at: SnapshotEndpoint = { kind: "unix", server: "web", path };
    for (const type of ["tcp", "http"]) {
      assert.equal(
        (await runCheck(at, settingsOf({ type }), contexts, () => undefined)).isUp,
        true,
        type,
      );
    }
    await endpoint.close();
    const gone = await runCheck(at, settingsOf({}), contexts, () => undefined);
    assert.deepEqual(told(gone).slice(0, 2), ["down", "refused"]);
  });

  it("announces no client to an endpoint that expects a PROXY header", async () => {
    for (const proxyProtocol of ["v1", "v2"]) {
      const answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
      const endpoint = await startEndpoint((socket) => void socket.resume().end(answer), {
        expectsProxyHeader: true,
      });
      const ask = check(endpoint.port, { type: "http" }, { proxyProtocol });
      assert.deepEqual(told(await ask), ["up", 200], proxyProtocol);
      assert.equal(endpoint.proxyHeaders.length, 1);
      assert.equal(endpoint.proxyHeaders[0]?.addresses, undefined);
    }
  });
});
