import { connectionCase, workerCases } from "../cases/growth-cases.ts";
import { handshakeCases, requestCases } from "../cases/main-cases.ts";
import type { BenchCase } from "../cases/bench-case.ts";
import { figuresOf, type BenchResult, type CaseResult } from "./bench-result.ts";

/** For tests: two runs of haproxy and director/bun in a few cases; `scale` is what the director's cost is times. */
export function sampleResult(scale = 1): BenchResult {
  const [full, , hybrid] = handshakeCases;
  const [requests] = requestCases;
  const [, resumedWithTwo] = workerCases(2);
  return {
    date: "2026-01-02T03:04:05.678Z",
    machine: {
      ...{ processor: "A <processor>", cores: 2, kernel: "6.1", loadAverage: 0 },
      ...{ loadRuntime: "Node 26", loadCores: 1 },
    },
    isQuick: false,
    subjects: ["haproxy", "director/bun"].map((name) => ({
      ...{ name, version: "1", tlsLibrary: "OpenSSL 3.0.22" },
      configuration: `# <configuration> of ${name}`,
    })),
    cases: [
      ...resultOf(full, [
        [300, 320],
        [200 * scale, 220 * scale],
      ]),
      ...resultOf(requests, [
        [20, 22],
        [18 * scale, 18 * scale],
      ]),
      ...refused(hybrid),
      ...resultOf(connectionCase(100), [
        [20, 20],
        [20, 20],
      ]),
      ...resultOf(connectionCase(8_000), [
        [21, 21],
        [25, 25],
      ]),
      ...resultOf(resumedWithTwo, [
        [300, 300],
        [350, 350],
      ]),
    ],
  };
}

function resultOf(
  benchCase: BenchCase | undefined,
  [haproxy, bun]: readonly [readonly number[], readonly number[]],
): CaseResult[] {
  const runsOf = (values: readonly number[]) => values.map((value) => ({ value, busy: 0.5 }));
  const measured = new Map([
    ["haproxy", runsOf(haproxy)],
    ["director/bun", runsOf(bun)],
  ]);
  return benchCase === undefined
    ? []
    : [{ case: benchCase, figures: figuresOf(measured), absent: [] }];
}

function refused(benchCase: BenchCase | undefined): CaseResult[] {
  return benchCase === undefined
    ? []
    : [{ case: benchCase, figures: [], absent: [], refusal: "a run had an <error>" }];
}
