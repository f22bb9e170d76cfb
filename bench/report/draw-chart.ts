import { referenceProxy, type BenchResult } from "./result.ts";

/** The colors are readable on white and on black. */
const colors: Readonly<Record<string, string>> = {
  "haproxy-always": "#868e96",
  nginx: "#b08800",
  hitch: "#a371f7",
  stunnel: "#d9534f",
  caddy: "#1b9e9e",
  "director/bun": "#2f81f7",
  "director/node": "#2da44e",
};
const referenceColor = "#868e96";

const title = "Cost compared with HAProxy: further left is better";
const subtitle =
  "Dot and number: median of TLS Director. Bar: lowest to highest run. Ring: median of another program.";
const width = 924;
const plotLeft = 302;
const plotRight = width - 36;
const plotTop = 108;
const rowHeight = 46;
const axisHeight = 52;
/** Approximate width of a character of the legend. */
const characterWidth = 7.2;
const gridRatios = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20];

interface Row {
  readonly label: string;
  readonly points: readonly Point[];
}

interface Point {
  readonly proxy: string;
  readonly ratio: number;
  readonly min: number;
  readonly max: number;
}

/** An SVG with the ratios to HAProxy, one row for each case. Returns undefined if HAProxy was not measured. */
export function drawChart(result: BenchResult): string | undefined {
  const rows = result.cases.flatMap((one) => rowsOf(one));
  if (rows.length === 0) return undefined;
  const values = rows.flatMap(({ points }) => points.flatMap(({ min, max }) => [min, max]));
  const lowest = Math.min(0.5, ...values) * 0.92;
  const highest = Math.max(2, ...values) * 1.12;
  const scale = (plotRight - plotLeft) / Math.log(highest / lowest);
  const xOf = (ratio: number): number => round(plotLeft + Math.log(ratio / lowest) * scale);
  const plotBottom = plotTop + rows.length * rowHeight;
  const height = plotBottom + axisHeight;
  const proxies = result.proxies.map(({ name }) => name).filter((name) => name !== referenceProxy);
  const center = (plotLeft + plotRight) / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${title}">
<style>svg{color:#1f2328}.page{fill:#fff}@media(prefers-color-scheme:dark){svg{color:#e6edf3}.page{fill:#0d1117}}</style>
<rect class="page" width="100%" height="100%" rx="8"/>
<g fill="currentColor">
<text x="12" y="24" font-size="16" font-weight="600">${title}</text>
<text x="12" y="43" opacity="0.8">${subtitle}</text>
${legendOf(proxies)}
${gridRatios
  .filter((ratio) => ratio > lowest && ratio < highest)
  .map((ratio) => gridLine(xOf(ratio), plotBottom, ratio))
  .join("\n")}
<line x1="${xOf(1)}" x2="${xOf(1)}" y1="${plotTop}" y2="${plotBottom}" stroke="${referenceColor}" stroke-width="2"/>
<text x="${xOf(1)}" y="${plotTop - 10}" text-anchor="middle">HAProxy = 1</text>
<text x="${center}" y="${plotBottom + 40}" text-anchor="middle">ratio to HAProxy (logarithmic scale)</text>
${rows.map((row, index) => drawRow(row, plotTop + (index + 0.5) * rowHeight, xOf)).join("\n")}
</g>
</svg>
`;
}

function rowsOf({ case: { growth, label }, figures }: BenchResult["cases"][number]): Row[] {
  const reference = figures.find(({ proxy }) => proxy === referenceProxy)?.median;
  if (growth !== undefined || reference === undefined) return [];
  const points = figures
    .filter(({ proxy, min }) => proxy !== referenceProxy && min > 0)
    .map(({ proxy, median, min, max }) => {
      return { proxy, ratio: median / reference, min: min / reference, max: max / reference };
    });
  return points.length === 0 ? [] : [{ label, points }];
}

function legendOf(proxies: readonly string[]): string {
  let x = 18;
  const entries = proxies.map((proxy) => {
    const entry = `<circle cx="${round(x)}" cy="62" r="5" fill="${colorOf(proxy)}"/><text x="${round(x + 10)}" y="66">${proxy}</text>`;
    x += proxy.length * characterWidth + 34;
    return entry;
  });
  return entries.join("\n");
}

const gridLine = (x: number, plotBottom: number, ratio: number): string =>
  `<line x1="${x}" x2="${x}" y1="${plotTop}" y2="${plotBottom + 6}" stroke="currentColor" stroke-opacity="0.15"/><text x="${x}" y="${plotBottom + 20}" text-anchor="middle">${ratio}</text>`;

function drawRow({ label, points }: Row, y: number, xOf: (ratio: number) => number): string {
  const own = points.filter(({ proxy }) => isDirector(proxy));
  return [
    `<text x="${plotLeft - 12}" y="${y + 4}" text-anchor="end">${label}</text>`,
    ...points
      .filter(({ proxy }) => !isDirector(proxy))
      .map(
        ({ proxy, ratio }) =>
          `<circle cx="${xOf(ratio)}" cy="${y}" r="4" fill="none" stroke="${colorOf(proxy)}" stroke-width="1.5"/>`,
      ),
    // The engines are drawn one below the other, so that neither hides the other.
    ...own.map((point, index) => drawDirector(point, y + (index + 0.5 - own.length / 2) * 18, xOf)),
  ].join("\n");
}

function drawDirector(
  { proxy, ratio, min, max }: Point,
  y: number,
  xOf: (ratio: number) => number,
): string {
  const color = colorOf(proxy);
  return `<line x1="${xOf(min)}" x2="${xOf(max)}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="3" stroke-opacity="0.45"/><circle cx="${xOf(ratio)}" cy="${y}" r="5.5" fill="${color}"/><text x="${xOf(max) + 10}" y="${y + 4}" font-weight="600">${ratio.toFixed(2)}</text>`;
}

const isDirector = (proxy: string): boolean => /^(?:director|before)\//.test(proxy);
const colorOf = (proxy: string): string => colors[proxy] ?? referenceColor;
const round = (value: number): number => Math.round(value * 10) / 10;
