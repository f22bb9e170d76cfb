import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { test } from "node:test";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import type { Document } from "#model/document/document.ts";
import { listenerNameOf, vnicNameOf } from "#model/names.ts";
import type { Snapshot, SnapshotListener } from "#model/records/snapshot.ts";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { HealthChecks } from "./health-checks.ts";

const NAME = listenerNameOf(vnicNameOf("front", "shop"), 8443);

const checkedDocument = (fall: number): Document => {
  const health = { interval: "20ms", timeout: "500ms", rise: 2, fall };
  const listeners = [{ port: 8443, to: 80, health }];
  return parseDocument({ profiles: { shop: { vnics: { front: { ip: "127.0.0.1", listeners } } } } })
    .draft;
};

const withEndpoint = (address: string, port: number): Snapshot => {
  const endpoints = [{ kind: "tcp", server: "web-1", address, port, weight: 1 }];
  const listener = {
    name: NAME,
    mode: "tcp",
    endpoints,
    standby: [],
    check: "tcp",
  } as unknown as SnapshotListener;
  return { ...emptyCompiled(1).snapshot, listeners: [listener] };
};

function startChecks() {
  const told: string[] = [];
  const checks = new HealthChecks({
    onDown: (down) => told.push(`down ${down.map((key) => key.split(" ")[1]).join(",")}`),
    onEndpoint: ({ listener, endpoint, isUp }) => told.push(`${listener} ${endpoint} ${isUp}`),
    onDoubt: (text) => told.push(`doubt ${text !== undefined}`),
    onFault: (error) => assert.fail(String(error)),
  });
  closeAtTestEnd(() => checks.close());
  return { told, checks };
}

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  closeAtTestEnd(() => void server.close());
  return server;
}

test("an endpoint goes down after `fall` failures and up after `rise` successes", async () => {
  const address = uniqueVirtualIp();
  const port = await freePort(address);
  const endpoint = `${address}:${port}`;
  const server = await listen(address, port);
  const { told, checks } = startChecks();
  checks.follow(checkedDocument(3), withEndpoint(address, port));
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await eventually(() => told.includes(`down ${endpoint}`));
  await listen(address, port);
  await eventually(() => told.includes("down "));
  assert.deepEqual(told, [
    `${NAME} ${endpoint} true`,
    `${NAME} ${endpoint} false`,
    `down ${endpoint}`,
    `${NAME} ${endpoint} true`,
    "down ",
  ]);
});

test("a check that stays keeps what it knows; one that goes is told", async () => {
  const address = uniqueVirtualIp();
  const port = await freePort(address);
  const endpoint = `${address}:${port}`;
  const { told, checks } = startChecks();
  checks.follow(checkedDocument(1), withEndpoint(address, port));
  await eventually(() => told.includes(`down ${endpoint}`));
  const before = told.length;
  checks.follow(checkedDocument(1), withEndpoint(address, port));
  assert.equal(told.length, before);
  checks.follow(checkedDocument(1), emptyCompiled(2).snapshot);
  assert.deepEqual(told.slice(before), [`${NAME} ${endpoint} undefined`, "down "]);
});
