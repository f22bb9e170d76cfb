import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { before, describe, it } from "node:test";
import type { DoctorCheck } from "#model/records/doctor.ts";
import { eventually } from "#harness/deadline.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { startShop, type Shop } from "#harness/shop.ts";

// The control process answers, whatever the engine of its workers.
describe("tlsd doctor", () => {
  let shop: Shop<"web">;

  before(async () => {
    const echo = await startEchoEndpoint();
    shop = await startShop({ engine: "node", listeners: { web: { to: echo.port } } });
  });

  const checksOf = (text: string): ReadonlyMap<string, DoctorCheck> =>
    new Map((JSON.parse(text) as readonly DoctorCheck[]).map((check) => [check.name, check]));

  it("judges the running director, and exits 1 only if there is a problem", async () => {
    const { director } = shop;
    const json = await director.cli("doctor", "--json");
    const checks = checksOf(json.stdout);
    for (const name of ["virtual-ips", "clock", "folders", "engine", "ports"]) {
      assert.equal(checks.get(name)?.result, "ok", json.stdout);
    }
    assert.match(checks.get("engine")?.message ?? "", /1 of 1 workers serve on engine node/);
    const hasProblem = [...checks.values()].some(({ result }) => result === "problem");
    assert.equal(json.code, hasProblem ? 1 : 0);
    const text = await director.cli("doctor");
    assert.equal(text.code, json.code);
    for (const { name, result, message, remedy } of checks.values()) {
      assert.ok(text.stdout.includes(`${result.padEnd(7)}  ${name.padEnd(16)}${message}\n`), name);
      assert.ok(remedy === undefined || text.stdout.includes(`-> ${remedy}\n`), name);
    }
  });

  it("finds a folder that others may read, with the command that mends it", async () => {
    const { director } = shop;
    await chmod(director.dataDir, 0o755);
    // The result is kept for 10 s.
    const isFound = async (): Promise<boolean> => {
      const { body } = await director.api("/v1/doctor");
      return checksOf(JSON.stringify(body)).get("folders")?.result === "problem";
    };
    await eventually(isFound, 15_000, "the problem");
    const { code, stdout } = await director.cli("doctor", "--json");
    assert.equal(code, 1);
    assert.equal(checksOf(stdout).get("folders")?.remedy, `chmod 700 ${director.dataDir}`);
  });
});
