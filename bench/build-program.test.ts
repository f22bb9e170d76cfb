import assert from "node:assert/strict";
import { test } from "node:test";
import { buildProgram } from "./build-program.ts";

/** Returns what the chosen action was called with. */
function parse(...argv: string[]): unknown {
  let options: unknown;
  const actionOf = (name: string) => (given: unknown) => {
    options = { [name]: given };
  };
  buildProgram({
    measure: actionOf("measure"),
    profile: actionOf("profile"),
    show: actionOf("show"),
    changes: actionOf("changes"),
    resumption: actionOf("resumption"),
    certificates: actionOf("certificates"),
  })
    .configureOutput({ writeErr: () => {} })
    .parse(argv, { from: "user" });
  return options;
}

const all = {
  categories: ["handshakes", "requests", "bulk", "memory", "latency", "growth", "http", "h2"],
  peers: ["haproxy", "haproxy-always", "nginx", "hitch", "stunnel", "caddy"],
  engines: ["bun", "node"],
  only: undefined,
  against: undefined,
  runs: undefined,
  isQuick: false,
};

test("the bench measures everything by default", () => {
  assert.deepEqual(parse(), { measure: all });
});

test("categories, peers and engines can be chosen in any order", () => {
  const argv = ["memory", "bulk", "--peers", "hitch,haproxy", "--engines", "none", "--runs", "7"];
  const chosen = { categories: ["bulk", "memory"], peers: ["haproxy", "hitch"], engines: [] };
  assert.deepEqual(parse(...argv), { measure: { ...all, ...chosen, runs: 7 } });
});

test("profiles and earlier results are actions of their own", () => {
  assert.deepEqual(parse("bulk", "--profile", "--engines", "node"), {
    profile: { loads: ["bulk"], engines: ["node"] },
  });
  const shown = parse("show", "a.json");
  assert.deepEqual(shown, { show: "a.json" });
});

test("wrong options are refused", () => {
  assert.throws(() => parse("memory", "--profile"), /--profile works with handshakes/);
  assert.throws(() => parse("--runs", "0"), /whole number/);
  assert.throws(() => parse("--peers", "apache"), /'apache' is not one of haproxy/);
});

test("the folder of --against must be a working tree", () => {
  const against = process.cwd();
  assert.deepEqual(parse("--against", "."), { measure: { ...all, against } });
  assert.throws(() => parse("--against", "src"), /must be a working tree/);
});

test("the cost of changes is measured for a fleet of 2,000 vNICs, or of another size", () => {
  const usual = { engines: ["bun", "node"], vnics: 2_000, runs: 3, hasPeer: true };
  assert.deepEqual(parse("changes"), { changes: usual });
  assert.deepEqual(parse("resumption", "--engines", "node", "--clients", "100"), {
    resumption: { engines: ["node"], clients: 100, seconds: 60 },
  });
  const wanted = ["--engines", "bun", "--vnics", "10000", "--runs", "1", "--no-peer"];
  assert.deepEqual(parse("changes", ...wanted), {
    changes: { engines: ["bun"], vnics: 10_000, runs: 1, hasPeer: false },
  });
  assert.throws(() => parse("changes", "--vnics", "20000"));
});

test("certificates are measured with 10,000 of them, or with fewer", () => {
  const usual = { engines: ["bun", "node"], certificates: 10_000, runs: 3, hasPeer: true };
  assert.deepEqual(parse("certificates"), { certificates: usual });
  const wanted = ["--engines", "node", "--count", "500", "--runs", "1", "--no-peer"];
  assert.deepEqual(parse("certificates", ...wanted), {
    certificates: { engines: ["node"], certificates: 500, runs: 1, hasPeer: false },
  });
  assert.throws(() => parse("certificates", "--count", "20000"), /from 100 to 10000/);
});
