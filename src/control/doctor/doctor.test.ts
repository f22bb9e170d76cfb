import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { buildDoctor } from "./doctor.ts";
import { otherListeners, parseListeningSockets } from "./listening-sockets.ts";

describe("otherListeners", () => {
  it("names another program at the address of a listener", async () => {
    const ip = uniqueVirtualIp();
    const server = createServer();
    const listening = Promise.withResolvers<void>();
    server.listen(0, ip, () => listening.resolve());
    closeAtTestEnd(() => void server.close());
    await listening.promise;
    const { port } = server.address() as AddressInfo;
    const own = { pids: new Set<number>(), uids: new Set<number>() };
    const addresses = [{ name: "front.shop:1", ip, port }];
    const name = readFileSync(`/proc/${process.pid}/comm`, "utf8").trim();
    assert.deepEqual(await otherListeners(addresses, own), [
      {
        listeners: ["front.shop:1"],
        address: `${ip}:${port}`,
        uid: process.getuid?.(),
        process: { pid: process.pid, name },
      },
    ]);
    const ownPids = { pids: new Set([process.pid]), uids: new Set([process.getuid?.() ?? 0]) };
    assert.deepEqual(await otherListeners(addresses, ownPids), []);
    const elsewhere = [{ name: "front.shop:1", ip: uniqueVirtualIp(), port }];
    assert.deepEqual(await otherListeners(elsewhere, own), []);
  });

  it("names each listener of a family that a program covers by a socket on all addresses", async () => {
    const server = createServer();
    const listening = Promise.withResolvers<void>();
    server.listen(0, "0.0.0.0", () => listening.resolve());
    closeAtTestEnd(() => void server.close());
    await listening.promise;
    const { port } = server.address() as AddressInfo;
    const ips = [uniqueVirtualIp(), "::1", uniqueVirtualIp()];
    const addresses = ips.map((ip, at) => ({ name: `v${at}`, ip, port }));
    const own = { pids: new Set<number>(), uids: new Set<number>() };
    const found = await otherListeners(addresses, own);
    assert.deepEqual(found[0]?.listeners, ["v0", "v2"]);
  });

  it("reads addresses of both families, and only sockets that listen", () => {
    const line = (local: string, state: string): string =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000    33        0 777 1 0000000000000000 100 0 0 10 0`;
    const table = [
      "  sl  local_address rem_address   st",
      line("0A01007F:20FB", "0A"),
      line("00000000000000000000000001000000:01BB", "0A"),
      line("0000000000000000FFFF00000A01007F:01BB", "0A"),
      line("0A01007F:20FB", "01"),
    ].join("\n");
    assert.deepEqual(
      parseListeningSockets(table).map(({ ip, port, uid, inode }) => [ip, port, uid, inode]),
      [
        ["127.0.1.10", 8443, 33, "777"],
        ["::1", 443, 33, "777"],
        ["127.0.1.10", 443, 33, "777"],
      ],
    );
  });
});

describe("the doctor", () => {
  it("keeps its result for 10 s, shares a reading, and forgets one that failed", async () => {
    let nowMs = 0;
    let readings = 0;
    const doctor = buildDoctor(
      () => {
        readings += 1;
        return Promise.reject(new Error(`reading ${readings}`));
      },
      () => nowMs,
    );
    const both = await Promise.allSettled([doctor(), doctor()]);
    assert.deepEqual(
      both.map((each) => each.status === "rejected" && String(each.reason)),
      ["Error: reading 1", "Error: reading 1"],
    );
    await assert.rejects(doctor(), /reading 2/);
    nowMs = 20_000;
    await assert.rejects(doctor(), /reading 3/);
  });
});
