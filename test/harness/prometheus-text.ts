export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const samplePattern = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)(?: -?\d+)?$/;
const labelPattern = /(?<name>[a-zA-Z_]\w*)="(?<value>(?:[^"\\]|\\.)*)",?/g;

/** What one scrape showed. A sample matches when it has all of the given labels; it may have more. */
export class Metrics {
  readonly samples: readonly Sample[];

  constructor(samples: readonly Sample[]) {
    this.samples = samples;
  }

  matching(name: string, labels: Labels = {}): readonly Sample[] {
    const wanted = Object.entries(labels);
    return this.samples.filter(
      (sample) =>
        sample.name === name && wanted.every(([label, value]) => sample.labels[label] === value),
    );
  }

  /** The one sample that matches, undefined without; several are an error: ask for more labels, or for the sum. */
  value(name: string, labels: Labels = {}): number | undefined {
    const found = this.matching(name, labels);
    if (found.length > 1) throw new Error(`${found.length} samples match ${name}; use sum()`);
    return found[0]?.value;
  }

  /** The sum of all samples that match, or 0 if there are none. */
  sum(name: string, labels: Labels = {}): number {
    return this.matching(name, labels).reduce((sum, sample) => sum + sample.value, 0);
  }
}

/** The Prometheus text format 0.0.4; a line that is not in it is an error. */
export function parsePrometheusText(text: string): Metrics {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const groups = samplePattern.exec(line)?.groups;
    if (groups === undefined) throw new Error(`not a Prometheus sample: ${line}`);
    samples.push({
      name: groups["name"] ?? "",
      labels: labelsOf(groups["labels"] ?? ""),
      value: numberOf(groups["value"] ?? ""),
    });
  }
  return new Metrics(samples);
}

function labelsOf(text: string): Labels {
  const labels: Record<string, string> = {};
  for (const { groups } of text.matchAll(labelPattern)) {
    labels[groups?.["name"] ?? ""] = (groups?.["value"] ?? "").replaceAll(
      /\\(.)/g,
      (_, escaped: string) => (escaped === "n" ? "\n" : escaped),
    );
  }
  return labels;
}

function numberOf(text: string): number {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}
