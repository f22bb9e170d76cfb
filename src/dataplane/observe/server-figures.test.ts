import assert from "node:assert/strict";
import { test } from "node:test";
import { vnicNameOf } from "#model/names.ts";
import { ServersFigures } from "./server-figures.ts";

const vnic = vnicNameOf("front", "shop");

test("a call continues after the last server of the previous one, so that none waits for ever", () => {
  const figures = new ServersFigures();
  const names = Array.from({ length: 5 }, (_, at) => `web-${at}`);
  const taken: string[] = [];
  for (let call = 0; call < 3; call += 1) {
    for (const name of names) figures.of(vnic, name).connected();
    taken.push(...(figures.takeChanges(2) ?? []).map(({ server }) => server));
  }
  assert.deepEqual(taken, names);
});

test("what was counted is reported once, and forgotten when nothing is open", () => {
  const figures = new ServersFigures();
  const one = figures.of(vnic, "web");
  one.failed("refused");
  one.failed("busy");
  one.connected();
  const report = { vnic, server: "web", openConnections: 1, connects: 1, failures: 1 };
  const failures = { failuresInARow: 0, lastFailure: "refused" };
  assert.deepEqual(figures.takeChanges(10), [{ ...report, ...failures }]);
  assert.equal(figures.takeChanges(10), undefined);
  figures.keepOnly(new Set());
  assert.equal(figures.of(vnic, "web"), one);
  one.closed();
  assert.equal(figures.takeChanges(10)?.[0]?.openConnections, 0);
  figures.keepOnly(new Set());
  assert.notEqual(figures.of(vnic, "web"), one);
});
