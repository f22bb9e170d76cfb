import assert from "node:assert/strict";
import { test } from "node:test";
import type { MaterialId } from "#model/names.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import type { SnapshotHttpListener } from "#model/records/modes/http.ts";
import { compileSnapshot } from "../compile-snapshot.ts";
import type { Sources } from "../certificates/sources.ts";

const sources = {
  certificates: new Map([
    ["shop", { id: "m" as MaterialId, facts: {}, signing: {}, material: {} }],
  ]),
  trusts: new Map(),
} as unknown as Sources;

function compiledOf(options: object = {}): SnapshotHttpListener {
  const listener = { port: 443, mode: "http", to: 8080, certificates: ["shop"], ...options };
  const vnics = { front: { ip: "198.51.100.1", listeners: [listener] } };
  const { document, problems } = parseDocument({
    servers: { "web-1": { address: "192.0.2.1" }, "web-2": { address: "192.0.2.2" } },
    profiles: { shop: { servers: ["web-1"], standby: ["web-2"], vnics } },
    certificates: { shop: { chain: "shop.pem" } },
  });
  assert.ok(document, JSON.stringify(problems));
  const input = { number: 1, document, sources, workers: 1, connectionsPerWorker: () => 100 };
  const [compiled] = compileSnapshot(input).snapshot.listeners;
  assert.ok(compiled?.mode === "http");
  return compiled;
}

test("a listener has what it has in common with mode tcp, and offers the protocols of the option", () => {
  const listener = compiledOf({ acceptProxyProtocol: ["10.0.0.0/8"], proxyProtocol: "v2" });
  assert.equal(listener.name, "front.shop:443");
  assert.deepEqual(listener.certificates, ["shop"]);
  assert.deepEqual(listener.policy.alpn, ["h2", "http/1.1", "http/1.0"]);
  assert.deepEqual(compiledOf({ protocols: ["h2"] }).policy.alpn, ["h2"]);
  assert.deepEqual(compiledOf({ protocols: ["http/1.1"] }).policy.alpn, ["http/1.1", "http/1.0"]);
  assert.deepEqual(listener.endpoints, [
    { kind: "tcp", server: "web-1", address: "192.0.2.1", port: 8080, weight: 1 },
  ]);
  assert.equal(listener.standby.length, 1);
  assert.match(listener.check ?? "", /^[0-9a-f]+$/);
  assert.deepEqual(listener.acceptProxyProtocol, ["10.0.0.0/8"]);
  assert.equal(listener.proxyProtocol, "v2");
  assert.deepEqual(listener.timeouts, {
    handshakeMs: 10_000,
    connectMs: 5_000,
    idleMs: 300_000,
    halfClosedMs: 30_000,
  });
});

test("the options of requests have their defaults", () => {
  assert.deepEqual(compiledOf().http, {
    headMs: 15_000,
    keepAliveMs: 75_000,
    answerMs: 60_000,
    upgradedMs: 3_600_000,
    trustedProxies: [],
    forwarded: "x-forwarded",
    requestId: true,
    traceparent: "keep",
    clientFacts: { tls: false, ja4: false, certificate: false },
    responseFields: { set: [], remove: [] },
    pool: { reuse: "safe", idleMs: 4_000, maxIdle: 100 },
    countServerErrors: false,
    accessLogFormat: "json",
    accessLogQuery: false,
  });
});

test("the options of requests are resolved", () => {
  const { http } = compiledOf({
    timeouts: { head: "1s", keepAlive: "2s", answer: "3s", upgraded: "4s" },
    trustedProxies: ["10.0.0.0/8"],
    forwarded: "forwarded",
    host: "app.internal:8080",
    requestId: false,
    traceparent: "make",
    clientFacts: ["ja4", "certificate"],
    responseFields: { set: { "X-Frame-Options": "DENY" }, remove: ["Server"] },
    pool: { reuse: "never", idle: "1m", maxIdle: 0 },
    countServerErrors: true,
    accessLog: "full",
    accessLogFormat: "combined",
    accessLogQuery: true,
  });
  assert.deepEqual(http, {
    headMs: 1_000,
    keepAliveMs: 2_000,
    answerMs: 3_000,
    upgradedMs: 4_000,
    trustedProxies: ["10.0.0.0/8"],
    forwarded: "forwarded",
    host: "app.internal:8080",
    requestId: false,
    traceparent: "make",
    clientFacts: { tls: false, ja4: true, certificate: true },
    responseFields: { set: [["X-Frame-Options", "DENY"]], remove: ["server"] },
    pool: { reuse: "never", idleMs: 60_000, maxIdle: 0 },
    countServerErrors: true,
    accessLogFormat: "combined",
    accessLogQuery: true,
  });
});

test("HSTS has the directives of RFC 6797", () => {
  const valueOf = (hsts: object): string | undefined => compiledOf({ hsts }).http.hsts;
  assert.equal(valueOf({}), "max-age=31536000");
  assert.equal(valueOf({ maxAge: "0s" }), "max-age=0");
  assert.equal(
    valueOf({ maxAge: "730d", includeSubDomains: true, preload: true }),
    "max-age=63072000; includeSubDomains; preload",
  );
});

test("an option of requests changes the listener and not the scope of its sessions", () => {
  const { sessionScope } = compiledOf();
  assert.equal(compiledOf({ host: "a", hsts: {} }).sessionScope, sessionScope);
});
