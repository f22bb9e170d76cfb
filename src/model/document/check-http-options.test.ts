import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Problem } from "../failure.ts";
import { parseDocument } from "./parse-document.ts";

const HTTP = { port: 443, mode: "http", to: 8080, certificates: ["shop"] };

const documentWith = (listener: object, policies: object = {}): object => ({
  servers: { "web-1": { address: "192.0.2.1" } },
  profiles: {
    shop: { servers: ["web-1"], vnics: { front: { ip: "198.51.100.1", listeners: [listener] } } },
  },
  certificates: { shop: { chain: "shop.pem" } },
  policies,
});

const problemsOf = (options: object, policies: object = {}): readonly Problem[] =>
  parseDocument(documentWith({ ...HTTP, ...options }, policies)).problems;

function assertPlaces(options: object, ...expected: readonly string[]): void {
  const prefix = "profiles.shop.vnics.front.listeners[0].";
  const places = problemsOf(options).map(({ code, path }) => `${code} ${path.replace(prefix, "")}`);
  assert.deepEqual(places, expected, JSON.stringify(options));
}

describe("checkHttpOptions", () => {
  it("accepts each option", () => {
    for (const options of [
      {},
      { timeouts: { head: "5s", keepAlive: "0s", answer: "2m", upgraded: "12h", idle: "1m" } },
      { trustedProxies: ["10.0.0.0/8", "2001:db8::1"], forwarded: "forwarded" },
      { forwarded: "none", requestId: false, traceparent: "make" },
      { host: "app.internal" },
      { host: "[2001:db8::1]:8080" },
      { clientFacts: ["tls", "ja4", "certificate"] },
      { hsts: {} },
      { hsts: { maxAge: "730d", includeSubDomains: true, preload: true } },
      { hsts: { maxAge: "0s" }, responseFields: { set: { Server: "" } } },
      { responseFields: { set: { "X-A": "a b\tc", "x-b": "" }, remove: ["Server", "x-c"] } },
      { pool: { reuse: "always", idle: "30s", maxIdle: 0 }, countServerErrors: true },
      { proxyProtocol: "v2", pool: { reuse: "never" } },
      { accessLog: "full", accessLogFormat: "combined", accessLogQuery: true },
    ]) {
      assertPlaces(options);
    }
  });

  it("has the defaults that the reference names", () => {
    const { document } = parseDocument(documentWith({ ...HTTP, hsts: {} }));
    const [listener] = document?.profiles["shop"]?.vnics["front"]?.listeners ?? [];
    assert.deepEqual(listener, {
      ...HTTP,
      strictServerName: false,
      policy: "intermediate",
      proxyProtocol: "none",
      acceptProxyProtocol: [],
      allowFrom: [],
      denyFrom: [],
      timeouts: {
        handshake: "10s",
        connect: "5s",
        idle: "300s",
        halfClosed: "30s",
        head: "15s",
        keepAlive: "75s",
        answer: "60s",
        upgraded: "1h",
      },
      accessLog: "off",
      trustedProxies: [],
      forwarded: "x-forwarded",
      host: "keep",
      requestId: true,
      traceparent: "keep",
      clientFacts: [],
      hsts: { maxAge: "365d", includeSubDomains: false, preload: false },
      responseFields: { set: {}, remove: [] },
      pool: { reuse: "safe", idle: "4s", maxIdle: 100 },
      protocols: ["h2", "http/1.1"],
      countServerErrors: false,
      accessLogFormat: "json",
      accessLogQuery: false,
    });
  });

  it("does not support its options in other modes", () => {
    const keys = [
      ...["trustedProxies", "forwarded", "host", "requestId", "traceparent", "clientFacts"],
      ...["hsts", "responseFields", "pool", "countServerErrors", "accessLogFormat"],
      "accessLogQuery",
    ];
    for (const mode of ["tcp", "redirect", "egress"]) {
      const { problems } = parseDocument(
        documentWith({
          ...{ port: 443, mode, ...(mode === "redirect" ? {} : { to: 8080 }) },
          ...Object.fromEntries(keys.map((key) => [key, "x"])),
          timeouts: { head: "5s", idel: "5s" },
        }),
      );
      const texts = problems
        .filter(({ code }) => code === "forbidden-key" || code === "unknown-key")
        .map(({ message }) => message);
      assert.deepEqual(texts.toSorted(), [
        '"idel" is not a known key.',
        ...[...keys, "timeouts.head"]
          .map((key) => `A listener of mode ${mode} does not support ${key}.`)
          .toSorted(),
      ]);
    }
  });

  it("answers ALPN itself", () => {
    const policies = { web: { alpn: ["http/1.1"] }, plain: {} };
    const [problem, ...others] = problemsOf({ policy: "web" }, policies);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [problem?.code, problem?.path],
      ["forbidden-key", "profiles.shop.vnics.front.listeners[0].policy"],
    );
    assert.match(problem?.message ?? "", /Policy web sets alpn/);
    assert.deepEqual(problemsOf({ policy: "plain" }, policies), []);
    assert.deepEqual(problemsOf({ mode: "tcp", policy: "web" }, policies), []);
  });

  it("has the rules of mode tcp for its port, certificates and endpoints", () => {
    assertPlaces({ to: "8080" }, "bad-endpoint to");
    assertPlaces({ certificates: [] }, "missing-key certificates");
    assertPlaces({ certificates: ["shop", "shop"] }, "bad-value certificates[1]");
    assertPlaces({ policy: "moderm" }, "unknown-policy policy");
    assertPlaces({ to: "unix:/run/a", endpointTls: {} }, "missing-key endpointTls.serverName");
    assertPlaces({ health: { type: "http", host: "a:70000" } }, "bad-value health.host");
    assertPlaces({ acceptProxyProtocol: ["10.0.0.1/8"] }, "bad-cidr acceptProxyProtocol[0]");
  });

  it("refuses a timeout of zero, unless zero has a meaning", () => {
    const keys = ["handshake", "connect", "head", "answer", "upgraded", "idle", "halfClosed"];
    for (const key of keys) {
      assertPlaces({ timeouts: { [key]: "0s" } }, `malformed-duration timeouts.${key}`);
    }
    for (const key of ["interval", "timeout"]) {
      assertPlaces({ health: { [key]: "0ms" } }, `malformed-duration health.${key}`);
    }
    assertPlaces({ mode: "tcp", timeouts: { idle: "0h" } }, "malformed-duration timeouts.idle");
    assertPlaces({ timeouts: { keepAlive: "0s" }, pool: { idle: "0s" } });
    const [problem] = problemsOf({ timeouts: { answer: "0s" } });
    assert.equal(
      problem?.message,
      '"0s" is no time to wait, and it does not mean that there is no limit.',
    );
    assert.match(problem?.hint ?? "", /^Write a whole number with its unit: /);
  });

  it("refuses values that no option has", () => {
    for (const key of ["head", "keepAlive", "answer", "upgraded", "idle"]) {
      assertPlaces({ timeouts: { [key]: "5" } }, `malformed-duration timeouts.${key}`);
    }
    assertPlaces(
      { trustedProxies: ["10.0.0.1/8", "web-1"] },
      ...[0, 1].map((index) => `bad-cidr trustedProxies[${index}]`),
    );
    assertPlaces({ forwarded: "x-real-ip" }, "bad-value forwarded");
    for (const host of ["a b", "a/b", "a\r\nx: y", "", "a@b", "a:", "a:70000", "http://a"]) {
      assertPlaces({ host }, "bad-value host");
    }
    assertPlaces({ requestId: "yes" }, "bad-value requestId");
    assertPlaces({ traceparent: "drop" }, "bad-value traceparent");
    assertPlaces({ clientFacts: ["ja3"] }, "bad-value clientFacts[0]");
    assertPlaces({ clientFacts: ["tls", "tls"] }, "bad-value clientFacts[1]");
    assertPlaces({ pool: { reuse: "aggressive" } }, "bad-value pool.reuse");
    assertPlaces({ pool: { idle: "4" } }, "malformed-duration pool.idle");
    assertPlaces({ pool: { maxIdle: -1 } }, "bad-value pool.maxIdle");
    assertPlaces({ pool: { maxIdle: 10_001 } }, "bad-value pool.maxIdle");
    assertPlaces({ pool: { maxIdel: 1 } }, "unknown-key pool.maxIdel");
    assertPlaces({ countServerErrors: 500 }, "bad-value countServerErrors");
    assertPlaces({ accessLog: "full", accessLogFormat: "clf" }, "bad-value accessLogFormat");
  });

  it("requires an age with a unit for HSTS, and warns of a preload that no list accepts", () => {
    for (const maxAge of ["365", "1y", "-1d", "01d", "100000d", ""]) {
      assertPlaces({ hsts: { maxAge } }, "malformed-age hsts.maxAge");
    }
    assertPlaces({ hsts: { maxAge: 31_536_000 } }, "bad-value hsts.maxAge");
    for (const hsts of [
      { preload: true },
      { preload: true, includeSubDomains: true, maxAge: "364d" },
    ]) {
      assertPlaces({ hsts }, "not-used hsts.preload");
    }
    for (const responseFields of [
      { set: { "Strict-Transport-Security": "max-age=0" } },
      { remove: ["strict-transport-security"] },
    ]) {
      assertPlaces({ responseFields });
      assertPlaces({ hsts: {}, responseFields }, "forbidden-key hsts");
    }
  });

  it("warns of settings without effect", () => {
    assertPlaces(
      { accessLogFormat: "combined", accessLogQuery: true },
      "not-used accessLogFormat",
      "not-used accessLogQuery",
    );
    assertPlaces({ proxyProtocol: "v1", pool: { reuse: "always" } }, "not-used pool.reuse");
    assert.ok(parseDocument(documentWith({ ...HTTP, accessLogQuery: true })).document);
  });
});
