import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { limitOpenFiles } from "#harness/open-file-limit.ts";
import { openFileCount, cpuTimeMs } from "#harness/process-facts.ts";
import { startShop, type Shop } from "#harness/shop.ts";

forEachEngine((engine) => {
  it("x", async () => {
    const { port } = await startEchoEndpoint();
    const shop = await startShop({ engine, listeners: { front: { to: port } } });
    const pid = await shop.workerPid();
    const base = openFileCount(pid);
    const limit = base + 21;
    await limitOpenFiles(pid, limit); console.log(engine, base);
    const all = await Promise.allSettled(Array.from({ length: 30 }, async () => {
      const c = await shop.connect("front", { deadlineMs: 4000 });
      await c.send("x"); await c.read.bytes(1, 4000);
      return c;
    }));
    const good = all.flatMap((r) => r.status === "fulfilled" ? [r.value] : []);
    console.log(good.length, openFileCount(pid), cpuTimeMs(pid), all.flatMap((r) => r.status === "rejected" ? [String(r.reason).slice(0, 60)] : []));
    await new Promise((r) => setTimeout(r, 2500)); console.log(shop.director.logs.map((l) => JSON.stringify(l)).filter((l) => !/"connection"/.test(l)).slice(3).join("\n"));
    const c0 = cpuTimeMs(pid); await new Promise((r) => setTimeout(r, 1000)); console.log("cpu in 1 s", cpuTimeMs(pid) - c0);
    for (const c of good) { await c.send("x"); await c.read.bytes(1, 4000); }
    console.log("open still work");
    for (const c of good) await c[Symbol.asyncDispose]();
    const t0 = performance.now();
    const d = await shop.connect("front", { deadlineMs: 10000 }); await d.send("x"); await d.read.bytes(1);
    console.log("new after", performance.now() - t0);
    await d[Symbol.asyncDispose]();
    await shop.untilOpenFiles(base + 1);
    console.log("base again", openFileCount(pid));
    await new Promise((r) => setTimeout(r, 1200));
    const m = await shop.director.metrics();
    console.log(m.samples.filter((s) => s.value > 0 && /total/.test(s.name)).map((s) => `${s.name} ${s.labels["cause"] ?? s.labels["outcome"] ?? ""} ${s.value}`));
    console.log(shop.director.logs.map((l) => JSON.stringify(l)).filter((l) => !/"connection"/.test(l)).slice(3).join("\n"));
    console.log(shop.director.logs.map((l) => JSON.stringify(l)).filter((l) => /endpoint-fail/.test(l)).slice(0,3).join("\n"));
  });
});
