import assert from "node:assert/strict";
import { test } from "node:test";
import { handshakeCases, requestCase, type BenchCase } from "../cases/cases.ts";
import { connectionCase } from "../cases/growth-cases.ts";
import { drawChart } from "./draw-chart.ts";
import { formatResult } from "./format-result.ts";
import { figuresOf, medianOf, type BenchResult, type CaseResult } from "./result.ts";

type Runs = Readonly<Record<string, readonly number[]>>;

const caseResult = (benchCase: BenchCase | undefined, runs: Runs): CaseResult[] => {
  const measured = Object.entries(runs).map(
    ([proxy, values]) => [proxy, values.map((value) => ({ value }))] as const,
  );
  return benchCase === undefined
    ? []
    : [{ case: benchCase, figures: figuresOf(measured), unsupported: [] }];
};

function resultOf(...cases: readonly CaseResult[]): BenchResult {
  const names = new Set(cases.flatMap(({ figures }) => figures.map(({ proxy }) => proxy)));
  const build = { version: "1", tlsLibrary: "OpenSSL 3.0.22", configurations: {} };
  return {
    date: "2026-01-02T03:04:05.678Z",
    machine: {
      ...{ processor: "A processor", cores: 2, kernel: "6.1", loadAverage: 0 },
      ...{ loadRuntime: "Node 26", loadCores: 1 },
    },
    isQuick: false,
    proxies: [...names].map((name) => ({ name, ...build })),
    cases,
  };
}

const lineOf = (result: BenchResult, start: string): string =>
  formatResult(result)
    .split("\n")
    .find((line) => line.trim().startsWith(start)) ?? "";

test("the median of an even number of values is between the two in the middle", () => {
  assert.equal(medianOf([9, 1, 5]), 5);
  assert.equal(medianOf([1, 9, 5, 3]), 4);
});

test("tables show median, range and the ratio to HAProxy", () => {
  const result = resultOf(
    ...caseResult(requestCase, { haproxy: [4, 2, 100], "director/bun": [3] }),
  );
  assert.match(lineOf(result, "haproxy"), /4\.0 +2\.0-100\.0 +1\.00$/);
  assert.match(lineOf(result, "director/bun"), /3\.0 +3\.0-3\.0 +0\.75$/);
});

test("with --against, a change is marked if the ranges do not overlap", () => {
  const [full, resumed] = [handshakeCases[0], handshakeCases[4]];
  const before = [300, 320];
  const distinct = caseResult(full, { "before/bun": before, "director/bun": [240, 256] });
  const similar = caseResult(resumed, { "before/bun": before, "director/bun": [290, 310] });
  assert.match(lineOf(resultOf(...distinct), "director/bun"), /0\.80 \*$/);
  assert.match(lineOf(resultOf(...similar), "director/bun"), /0\.97$/);
});

test("growth is compared with the first case of a series, and marked above 10 percent", () => {
  const result = resultOf(
    ...caseResult(connectionCase(100), { haproxy: [20], "director/bun": [20] }),
    ...caseResult(connectionCase(8_000), { haproxy: [21], "director/bun": [25] }),
  );
  assert.match(formatResult(result), / 100 +8,000 +growth\n/);
  assert.match(lineOf(result, "haproxy"), /20\.0 +21\.0 +5 %$/);
  assert.match(lineOf(result, "director/bun"), /20\.0 +25\.0 +25 % !$/);
});

test("a case that failed has an error instead of figures", () => {
  const failed = { case: requestCase, figures: [], unsupported: [], error: "haproxy has exited." };
  assert.match(formatResult(resultOf(failed)), /NOT COMPARED: haproxy has exited\./);
});

test("the chart shows the ratios of the director, with title and legend", () => {
  const svg = drawChart(
    resultOf(...caseResult(requestCase, { haproxy: [20, 22], nginx: [21], "director/bun": [18] })),
  );
  assert.match(svg ?? "", /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  for (const text of [">0.86<", ">HAProxy = 1<", ">director/bun<", ">nginx<", requestCase.label]) {
    assert.ok(svg?.includes(text), text);
  }
});

test("there is no chart without HAProxy", () => {
  assert.equal(drawChart(resultOf(...caseResult(requestCase, { nginx: [1] }))), undefined);
});
