import { termsTextOf } from "../load/terms.ts";
import type { BenchResult } from "./bench-result.ts";

/** What a reader has to know to judge the figures; the same on the terminal and in the report. */
export function notesOf({ subjects, machine, cases, isQuick }: BenchResult): string[] {
  const names = subjects.map(
    ({ name, version, tlsLibrary }) => `${name} ${version} (${tlsLibrary})`,
  );
  const terms = new Set(cases.map(({ case: benchCase }) => termsTextOf(benchCase.terms)));
  const isBusy = machine.loadAverage > machine.cores / 4;
  return [
    ...(isBusy
      ? [
          `The machine was not free: load average ${machine.loadAverage.toFixed(1)} before the start. CPU times are higher and latencies worse than they need be, for all.`,
        ]
      : []),
    ...(isQuick ? ["A quick run: good for a first look, not for a claim."] : []),
    `Compared are these builds and no others: ${names.join("; ")}. The same program with another TLS library has other figures.`,
    `Every connection negotiated what its case says, or the case would be refused: ${[...terms].join("; ")}.`,
    "One core for the subject, the others for load and endpoint; runs are interleaved (A B C A B C) after a warm-up. CPU time is that of all the subject's processes, as the kernel counts it.",
    "Growth is the highest median of a row over its first, less one; more than 10 % is marked with an exclamation mark. Look at HAProxy in the same table for what machine and load contribute.",
    "A new connection is what a client pays for: accept, handshake, connecting to the endpoint, one request and its answer, close. Less a request: without the request's part, at the price that a request on an open connection has; the connection to the endpoint cannot be told apart, as no subject here hands over a handshake without it.",
    "Core busy is the share of a run in which the subject was on its core: far below 100 %, load or other programs were the limit, and the figure is CPU time all the same.",
    `Load and endpoint: ${machine.loadRuntime}, on ${machine.loadCores} ${machine.loadCores === 1 ? "core" : "cores"}. ${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}, load average ${machine.loadAverage.toFixed(1)} before the start.`,
  ];
}
