import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** Plot as text: inline SVG whose text and lines take the color of where it stands. */
export function plotSvg(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const element = Plot.plot({
    ...options,
    document,
    className: "chart",
    style: { fontSize: "12px", fontFamily: "system-ui, sans-serif", background: "none" },
  });
  // Its style sheet sets a background and sizes that only a page of its own would want.
  return element.outerHTML.replace(/<style>[\s\S]*?<\/style>/, "");
}
