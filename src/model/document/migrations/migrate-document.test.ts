import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../json.ts";
import { DOCUMENT_SCHEMA, migrateDocument } from "./migrate-document.ts";

const absolute = (path: string): string => `/etc/tlsd/${path}`;

const withListener = (listener: Json): Record<string, Json> => ({
  profiles: { p: { vnics: { v: { ip: "127.0.0.1", listeners: [listener] } } } },
});

const migratedListener = (listener: Json): unknown =>
  migrateDocument(withListener(listener), 1, absolute);

test("a document of the present schema stays as it is", () => {
  const document = { servers: { a: { address: "::1" } }, policies: { p: { tickets: true } } };
  assert.deepEqual(migrateDocument(document, DOCUMENT_SCHEMA, absolute), document);
  assert.throws(() => migrateDocument(document, DOCUMENT_SCHEMA + 1, absolute), RangeError);
});

test("a timeout of zero, which was accepted, becomes the shortest in every schema", () => {
  const listeners = [
    { port: 1, to: 2, timeouts: { idle: "0s", halfClosed: "0ms", connect: "10s" }, health: {} },
    {
      port: 2,
      mode: "http",
      to: 2,
      timeouts: { answer: "0h", keepAlive: "0s" },
      pool: { idle: "0s" },
    },
    { port: 3, to: 2, health: { interval: "0m", timeout: "0s" } },
    "not a listener",
  ];
  const migratedListeners = [
    { port: 1, to: 2, timeouts: { idle: "1ms", halfClosed: "1ms", connect: "10s" }, health: {} },
    {
      port: 2,
      mode: "http",
      to: 2,
      timeouts: { answer: "1ms", keepAlive: "0s" },
      pool: { idle: "0s" },
    },
    { port: 3, to: 2, health: { interval: "1ms", timeout: "1ms" } },
    "not a listener",
  ];
  const other = { vnics: { w: { ip: "::1", listeners: [{ port: 1, to: 2 }] } } };
  const documentOf = (list: Json): Record<string, Json> => ({
    profiles: { p: { vnics: { v: { ip: "127.0.0.1", listeners: list } } }, other, odd: [] },
  });
  for (const schema of [2, DOCUMENT_SCHEMA]) {
    const migrated = migrateDocument(documentOf(listeners), schema, absolute);
    assert.deepEqual(migrated, documentOf(migratedListeners));
    assert.equal((migrated["profiles"] as Record<string, Json>)["other"], other);
  }
  assert.deepEqual(
    migratedListener({ port: 1, to: 2, timeouts: { connect: "10s", idle: "0s" } }),
    withListener({ port: 1, to: 2, timeouts: { connect: "10s", idle: "1ms" } }),
  );
});

test("schema 1 loses its defaults and its empty maps of names", () => {
  const vnic = { ip: "127.0.0.1", admin: "up", qos: { priority: 3 }, listeners: [] };
  const bare = { servers: [], standby: [], balance: "round-robin" };
  const document = {
    servers: {},
    profiles: { empty: { ...bare, vnics: {} }, one: { ...bare, vnics: { vnic } } },
    certificates: { shop: { source: "files", chain: "shop.pem" } },
    policies: {
      plain: {
        ...{ base: "intermediate", alpn: [], tickets: true },
        clientAuth: { mode: "none", partialChain: false },
      },
    },
  };
  assert.deepEqual(migrateDocument(document, 1, absolute), {
    profiles: { empty: {}, one: { vnics: { vnic: { ip: "127.0.0.1" } } } },
    certificates: { shop: { chain: "/etc/tlsd/shop.pem" } },
    policies: { plain: {} },
  });
});

test("what schema 1 set differently stays, and so does a map whose presence has a meaning", () => {
  const health = { type: "tcp", interval: "2s", timeout: "1s", rise: 2, fall: 3 };
  const defaults = {
    ...{ certificates: [], strictServerName: false, policy: "intermediate" },
    ...{ proxyProtocol: "none", acceptProxyProtocol: [], allowFrom: [], denyFrom: [] },
    timeouts: { handshake: "10s", connect: "5s", idle: "300s", halfClosed: "30s" },
    accessLog: "off",
  };
  const given = { port: 1, mode: "tcp", to: 2, ...defaults, endpointTls: { verify: true }, health };
  assert.deepEqual(
    migratedListener(given),
    withListener({ port: 1, to: 2, endpointTls: {}, health: {} }),
  );
  const own = {
    ...{ port: 1, mode: "egress", to: "a:1", policy: "modern", accessLog: "full" },
    timeouts: { idle: "1s" },
    endpointTls: { verify: false, ca: "/etc/tlsd/ca.pem" },
    health: { rise: 1 },
  };
  const written = { ...own, endpointTls: { verify: false, ca: "ca.pem" } };
  assert.deepEqual(migratedListener(written), withListener(own));
});

test("the defaults of other modes go, which an early version wrote", () => {
  const foreign = { certificates: [], strictServerName: false, policy: "intermediate" };
  const redirect = { port: 80, mode: "redirect" };
  assert.deepEqual(migratedListener({ ...redirect, ...foreign }), withListener(redirect));
});

test("the listeners of a vNIC are in the order of their ports", () => {
  const listeners = [{ port: 2 }, { port: 10 }, { port: 1 }];
  const document = { profiles: { p: { vnics: { v: { ip: "::1", listeners } } } } };
  const { profiles } = migrateDocument(document, 1, absolute);
  assert.deepEqual(profiles, {
    p: { vnics: { v: { ip: "::1", listeners: [{ port: 1 }, { port: 2 }, { port: 10 }] } } },
  });
});
