import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Compile } from "typebox/compile";
import { sampleFacts, sampleLine, sampleTexts } from "#harness/sample-lines.ts";
import { ExchangeRecordSchema } from "#model/records/exchange-record.ts";
import { HTTP_OUTCOMES, HTTP_OUTCOME_NAMES } from "#model/records/http-outcome.ts";

const records = Compile(ExchangeRecordSchema);

/** Reads a line as its readers do, from bytes in UTF-8. */
function readLine(line: string): Record<string, unknown> {
  assert.equal(line.indexOf("\n"), line.length - 1);
  return JSON.parse(Buffer.from(line, "latin1").toString()) as Record<string, unknown>;
}

describe("an access line in JSON", () => {
  it("has the fields of its exchange and of its connection, and what others sent is escaped", () => {
    const { level, time, msg, event, vnic, ...record } = readLine(sampleLine());
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 5_000);
    assert.deepEqual(
      [level, event, vnic, msg],
      ["info", "exchange", "front.shop", HTTP_OUTCOMES.completed],
    );
    assert.ok(records.Check(record));
    const {
      texts: _,
      endpointFailure: __,
      rule: ___,
      field: ____,
      retried: _____,
      ...facts
    } = sampleFacts;
    assert.deepEqual(record, {
      ...facts,
      ...sampleTexts,
      listener: "front.shop:8443",
      id: "c1",
      clientAddress: "192.0.2.1",
      clientPort: 50_000,
      virtualIp: "127.0.1.10",
      clientCertificate: "CN=a\\u{202e}b \u00e9",
      path: "/a\\u{1b}[2J",
      referer: "https://shop.test/\\u{202e}",
      connectMs: 1,
      durationMs: 3_000.007,
    });
  });

  it("leaves out what is undefined or false, and says -1 where a stage was not reached", () => {
    const texts = { ...sampleTexts, method: undefined, path: undefined, referer: undefined };
    const bare = { texts, endpoint: undefined, server: undefined, reused: false };
    const line = sampleLine({ ...bare, headMs: -1, connectMs: -1, firstByteMs: -1 });
    const record = readLine(line);
    for (const key of ["method", "path", "referer", "endpoint", "server", "reused", "retried"]) {
      assert.ok(!(key in record), key);
    }
    assert.deepEqual([record["headMs"], record["connectMs"], record["firstByteMs"]], [-1, -1, -1]);
  });

  it("has all fields that there can be", () => {
    const facts = {
      retried: true,
      endpointFailure: "busy",
      rule: "bare-lf",
      field: "x",
      outcome: "endpoint-failed",
    } as const;
    const tls = { version: "TLSv1.3", cipherSuite: "AES", alpn: undefined, isResumed: false };
    const more = { tls, group: "X25519", proxyAddress: "::1", serverName: "shop.test" };
    const {
      level: _,
      time: __,
      event: ___,
      vnic: ____,
      msg,
      ...record
    } = readLine(sampleLine(facts, more));
    assert.ok(records.Check(record));
    assert.equal(Object.keys(record).length, Object.keys(ExchangeRecordSchema.properties).length);
    assert.deepEqual([record["resumed"], record["tlsVersion"]], [false, "TLSv1.3"]);
    assert.equal(msg, HTTP_OUTCOMES["endpoint-failed"]);
  });

  it("says of each outcome what it means", () => {
    for (const outcome of HTTP_OUTCOME_NAMES) {
      const line = readLine(sampleLine({ outcome }));
      assert.deepEqual([line["outcome"], line["msg"]], [outcome, HTTP_OUTCOMES[outcome]]);
    }
  });

  it("has times in microseconds, written as JSON writes numbers", () => {
    for (const [ms, text] of [
      [0, "0"],
      [0.000_4, "0"],
      [0.001, "0.001"],
      [0.12, "0.12"],
      [0.999_6, "1"],
      [59_999.5, "59999.5"],
    ] as const) {
      assert.match(sampleLine({ headMs: ms }), new RegExp(`"headMs":${text},`));
    }
  });

  it("stays one line of JSON whatever a client sends", () => {
    const odd = '"\\\r\n\t\u0000\u001b\u007f\u009b\u00ad\u00e9\u2028\ud800 end';
    const host = sampleLine({ texts: { ...sampleTexts, host: odd } });
    assert.equal(
      readLine(host)["host"],
      '"\\\\u{d}\\u{a}\\u{9}\\u{0}\\u{1b}\\u{7f}\\u{9b}\\u{ad}\u00e9\\u{2028}\\u{d800} end',
    );
  });
});
