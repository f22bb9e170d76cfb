import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sampleFacts, sampleLine, sampleTexts } from "#harness/sample-lines.ts";
import { combinedLineOf } from "#dataplane/http/combined-line.ts";
import { HTTP_OUTCOME_NAMES } from "#model/records/http-outcome.ts";
import { listenerNameOf, vnicNameOf } from "#model/names.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { LineIntake, type TakenLines } from "./line-intake.ts";

const vnic = vnicNameOf("front", "shop");

interface Spec {
  readonly port?: number;
  readonly mode?: "tcp" | "http";
  readonly accessLog?: "off" | "full";
  readonly accessLogFormat?: "json" | "combined";
}

function intakeOf(...specs: readonly Spec[]): LineIntake {
  const intake = new LineIntake();
  for (const {
    port = 8443,
    mode = "http",
    accessLog = "full",
    accessLogFormat = "json",
  } of specs) {
    intake.expect({
      ...{ name: listenerNameOf(vnic, port), vnic, mode, accessLog },
      ...(mode === "http" ? { http: { accessLogFormat } } : {}),
    } as unknown as SnapshotListener);
  }
  return intake;
}

/** `lines` has a character for each byte. */
const take = (intake: LineIntake, ...lines: readonly string[]): TakenLines =>
  intake.take(Buffer.from(lines.join(""), "latin1"));

function assertTaken(taken: TakenLines, lines: readonly string[], dropped = 0): void {
  assert.ok(!("objection" in taken), JSON.stringify(taken));
  assert.equal(taken.bytes.toString("latin1"), lines.join(""));
  assert.deepEqual([taken.count, taken.dropped], [lines.length, dropped]);
}

const sound = sampleLine();
const combined = combinedLineOf("192.0.2.1", sampleFacts);
const byte = (...codes: readonly number[]): string => String.fromCharCode(...codes);
const withPath = (path: string): string => sampleLine({ texts: { ...sampleTexts, path } });

describe("lines of a sound worker", () => {
  it("are taken without a copy, whatever they say", () => {
    const odd = '"\\\r\n\t\u0000\u009b\u00ad\u00e9\u2028\ud800 }';
    const tls = { version: "TLSv1.3", cipherSuite: "AES", alpn: undefined, isResumed: false };
    const lines = [
      sound,
      ...HTTP_OUTCOME_NAMES.map((outcome) => sampleLine({ outcome })),
      sampleLine({ rule: "bare-lf", field: odd, retried: true, endpointFailure: "busy" }),
      sampleLine({ headMs: -1, connectMs: 0.1, firstByteMs: 12.34, durationMs: 5e9 + 0.001 }),
      sampleLine({ endpoint: undefined, server: undefined, reused: false, status: 999 }),
      sampleLine({}, { tls, group: "X25519", proxyAddress: "::1", serverName: odd }),
      sampleLine({
        texts: { ...sampleTexts, method: odd, host: odd, path: odd, referer: odd, userAgent: odd },
      }),
      withPath("\u009b".repeat(2_048)),
    ];
    const bytes = Buffer.from(lines.join(""), "latin1");
    const taken = intakeOf({}).take(bytes);
    assertTaken(taken, lines);
    assert.ok("bytes" in taken && taken.bytes === bytes);
  });

  it("are taken from several listeners in turn, in both formats", () => {
    const intake = intakeOf({}, { port: 9443 }, { port: 1, accessLogFormat: "combined" });
    const other = sampleLine({}, {}, "front.shop:9443");
    assertTaken(take(intake, sound, other, combined, sound, other), [
      ...[sound, other, combined, sound, other],
    ]);
  });

  it("are taken in the combined format, whatever they say", () => {
    const odd = '"\\\r\n\u001b\u00e9\ud800 {';
    const texts = { ...sampleTexts, method: odd, path: odd, referer: odd, userAgent: odd };
    const nothing = { status: 0, bodyBytesToClient: 0 };
    const lines = [
      combinedLineOf("::1", { ...sampleFacts, texts }),
      combinedLineOf("", { ...sampleFacts, ...nothing }),
    ];
    assertTaken(take(intakeOf({ accessLogFormat: "combined" }), ...lines), lines);
  });
});

describe("lines that no sound worker writes", () => {
  const intake = intakeOf({}, { port: 1, accessLogFormat: "combined" });
  const replaced = (from: string, to: string): string => {
    assert.ok(sound.includes(from));
    return sound.replace(from, to);
  };
  for (const [what, line] of [
    ["an empty line", "\n"],
    ["a line of another event", replaced('"event":"exchange"', '"event":"document-applied"')],
    ["a second event", replaced(',"number":2', ',"event":"ready","number":2')],
    ["a second outcome", replaced(',"msg"', ',"outcome":"refused","msg"')],
    ["a key of its own", replaced(',"number":2', ',"number":2,"err":"x"')],
    ["an object", replaced('"path":"', '"path":{"a":"').replace('","referer"', '"},"referer"')],
    [
      "keys in another order",
      replaced('"id":"c1","clientAddress":"192.0.2.1"', '"clientAddress":"192.0.2.1","id":"c1"'),
    ],
    ["no status", replaced(',"status":200', "")],
    ["a status of four digits", replaced('"status":200', '"status":2000')],
    ["a number that begins with zero", replaced('"number":2', '"number":02')],
    ["a number without an end", replaced('"number":2', `"number":${"2".repeat(40)}`)],
    ["a time that is no time", replaced('"headMs":0.5', '"headMs":1e308')],
    ["another level", replaced('"level":"info"', '"level":"fatal"')],
    ["a text at the time", replaced('"time":"2', '"time":"x')],
    ["an unknown outcome", replaced('"outcome":"completed"', '"outcome":"boredom"')],
    ["the sentence of another outcome", replaced("sent the whole answer", "sent nothing")],
    ["an unknown protocol", replaced("HTTP/1.1", "HTTP/0.9")],
    ["another vNIC than its listener's", replaced('"vnic":"front.shop"', '"vnic":"front.shap"')],
    ["an unknown listener", sampleLine({}, {}, "front.pay:8443")],
    ["the listener __proto__", sampleLine({}, {}, "__proto__")],
    ["a text that does not end", replaced('"path":"', '"path":')],
    ["an escape of JSON", withPath("/").replace('"path":"/', '"path":"\\n')],
    ["an escape at the end of a text", withPath("/").replace('"path":"/', '"path":"/\\')],
    ["a control character", withPath("/").replace('"path":"/', '"path":"\u001b')],
    ["a carriage return", withPath("/").replace('"path":"/', '"path":"\r')],
    ["DEL", withPath("/").replace('"path":"/', '"path":"\u007f')],
    ["a C1 control in UTF-8", withPath("/").replace('"path":"/', `"path":"${byte(0xc2, 0x9b)}`)],
    ["a bidi override", withPath("/").replace('"path":"/', `"path":"${byte(0xe2, 0x80, 0xae)}`)],
    ["a byte order mark", `${byte(0xef, 0xbb, 0xbf)}${sound}`],
    ["something before the line", ` ${sound}`],
    ["half of a line", `${sound.slice(0, 300)}\n`],
    ["the other half", sound.slice(300)],
    ["a text of the log", "forged\n"],
    ["a combined line with an open quote", combined.replace('" 200', " 200")],
    ["a combined line with a quote in a text", combined.replace("GET", 'G"ET')],
    ["a combined line with a control character", combined.replace("GET", "G\u001bET")],
    ["a combined line with UTF-8", combined.replace("GET", byte(0xc3, 0xa9))],
    ["a combined line with a fourth text", combined.replace(/\n$/, ' "x"\n')],
    ["a combined line that begins as JSON", `{${combined}`],
  ] as const) {
    it(`are left out and counted, the others stay: ${what}`, () => {
      const dropped = line.split("\n").length - 1;
      assertTaken(take(intake, line), [], dropped);
      assertTaken(take(intake, sound, line, combined, sound), [sound, combined, sound], dropped);
    });
  }

  it("are left out in the combined format if no listener has it", () => {
    assertTaken(take(intakeOf({}), sound, combined), [sound], 1);
  });

  it("end the worker if they are not whole or not text", () => {
    for (const [lines, said] of [
      [sound.slice(0, -1), /part of an access line/],
      [`${sound}x`, /part of an access line/],
      ["", /part of an access line/],
      [`${sound}${byte(0xff)}\n`, /no text/],
      [sound.repeat(200), /bytes of access lines at once/],
    ] as const) {
      assert.match(JSON.stringify(take(intake, lines)), said);
    }
  });

  it("end the worker if the listener cannot have them", () => {
    const failed = HTTP_OUTCOME_NAMES.map((outcome) => sampleLine({ outcome })).filter((line) =>
      /"outcome":"(?:endpoint-failed|bad-answer)"/.test(line),
    );
    assert.equal(failed.length, 2);
    assertTaken(take(intakeOf({ accessLog: "off" }), ...failed), failed);
    assert.match(JSON.stringify(take(intakeOf({ accessLog: "off" }), sound)), /cannot have/);
    for (const accessLog of ["off", "full"] as const) {
      const text = JSON.stringify(take(intakeOf({ mode: "tcp", accessLog }), ...failed));
      assert.match(text, /cannot have/);
    }
    // A request that began before the document changed keeps its line.
    assertTaken(take(intakeOf({}, { accessLog: "off" }), sound), [sound]);
  });

  it("are judged quickly, whatever they are", () => {
    const most = 65_000;
    const startedMs = performance.now();
    for (const text of [
      sound.replace('"path":"', `"path":"${"\\\\".repeat(most / 2)}`).slice(0, most),
      sound.replace('"path":"', `"path":"${"x".repeat(most)}`).slice(0, most),
      sound.slice(0, sound.indexOf('"path"')).padEnd(most, ',"path":"'),
      combined.replace("GET", "\\x22".repeat(most / 4)).slice(0, most),
      combined.replace("192.0.2.1", "1".repeat(most)).slice(0, most),
    ]) {
      for (let round = 0; round < 20; round += 1) assertTaken(take(intake, `${text}\n`), [], 1);
    }
    // The bytes of `é` in UTF-8.
    const letter = "\u00c3\u00a9";
    for (const [text, lines] of [
      [`${"\n".repeat(20_000)}${letter.repeat(20_000)}`, 20_001],
      [`${letter}\n`.repeat(20_000) + letter, 20_001],
      [sound.repeat(50) + letter, 1],
    ] as const) {
      for (let round = 0; round < 20; round += 1) {
        const taken = take(intake, `${text}\n`);
        assert.equal("dropped" in taken && taken.dropped, lines);
      }
    }
    // A pattern that compares a text again and again takes minutes.
    assert.ok(performance.now() - startedMs < 5_000);
  });
});
