import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePrometheusText } from "./prometheus-text.ts";

const scrape = `# HELP tlsd_handshakes_total TLS handshakes
# TYPE tlsd_handshakes_total counter
tlsd_handshakes_total{vnic="front.shop",listener="front.shop:8443",session="new"} 3
tlsd_handshakes_total{vnic="front.shop",listener="front.shop:8443",session="resumed"} 4
tlsd_handshake_seconds_bucket{le="+Inf"} 7
odd{text="a \\"quoted\\", with {braces} and \\n"} 1.5e-3 1700000000000
tlsd_up 1
`;

describe("the reader of Prometheus text", () => {
  const metrics = parsePrometheusText(scrape);

  it("finds one sample by its name and some of its labels", () => {
    assert.equal(metrics.value("tlsd_up"), 1);
    assert.equal(metrics.value("tlsd_handshakes_total", { session: "resumed" }), 4);
    assert.equal(metrics.value("tlsd_handshakes_total", { session: "none" }), undefined);
  });

  it("sums what matches and refuses to guess between several", () => {
    assert.equal(metrics.sum("tlsd_handshakes_total", { vnic: "front.shop" }), 7);
    assert.equal(metrics.sum("absent"), 0);
    assert.throws(() => metrics.value("tlsd_handshakes_total"), /2 samples match/);
  });

  it("reads escapes, exponents and timestamps", () => {
    const [odd] = metrics.matching("odd");
    assert.equal(odd?.labels["text"], 'a "quoted", with {braces} and \n');
    assert.equal(odd?.value, 0.0015);
  });

  it("refuses a line that is no sample", () => {
    assert.throws(() => parsePrometheusText("<html>"), /not a Prometheus sample/);
  });
});
