import { alignColumns } from "./align-columns.ts";
import type { BenchResult, Figure } from "./bench-result.ts";

/** What changed from one result to another: ratio of medians, marked where the ranges of the runs do not overlap. */
export function compareResults(before: BenchResult, after: BenchResult): string {
  const head = ["case", "subject", "before", "after", "unit", "after/before", ""];
  const rows = after.cases.flatMap(({ case: benchCase, figures }) => {
    const earlier = before.cases.find(({ case: other }) => other.name === benchCase.name);
    return figures.flatMap((figure) => {
      const old = earlier?.figures.find(({ subject }) => subject === figure.subject);
      return old === undefined
        ? []
        : [
            [
              benchCase.name,
              figure.subject,
              old.median.toFixed(benchCase.decimals),
              figure.median.toFixed(benchCase.decimals),
              benchCase.unit,
              (figure.median / old.median).toFixed(2),
              isApart(old, figure) ? (figure.median < old.median ? "* less" : "* more") : "",
            ],
          ];
    });
  });
  return [
    `before: ${describe(before)}\nafter:  ${describe(after)}`,
    ...warningsOf(before, after),
    rows.length === 0
      ? "They have no case and subject in common."
      : alignColumns([head, ...rows], false),
    "* The ranges from the lowest to the highest run do not overlap.",
  ].join("\n\n");
}

function isApart(one: Figure, other: Figure): boolean {
  return one.max < other.min || other.max < one.min;
}

function describe({ date, machine, isQuick }: BenchResult): string {
  return `${date.slice(0, 16).replace("T", " ")} UTC, ${machine.processor}, ${machine.cores} cores, load average ${machine.loadAverage.toFixed(1)}${isQuick ? ", quick" : ""}`;
}

function warningsOf(before: BenchResult, after: BenchResult): string[] {
  const isSameMachine =
    before.machine.processor === after.machine.processor &&
    before.machine.cores === after.machine.cores;
  const changed = after.subjects.flatMap(({ name, version, tlsLibrary }) => {
    const old = before.subjects.find((one) => one.name === name);
    return old === undefined || (old.version === version && old.tlsLibrary === tlsLibrary)
      ? []
      : [`${name} was ${old.version} (${old.tlsLibrary}) and is ${version} (${tlsLibrary}).`];
  });
  return [
    ...(isSameMachine ? [] : ["The machines differ: only ratios to HAProxy compare."]),
    ...(before.isQuick === after.isQuick ? [] : ["One of them is a quick run."]),
    ...changed,
  ];
}
