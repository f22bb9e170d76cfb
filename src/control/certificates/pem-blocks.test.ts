import assert from "node:assert/strict";
import { it } from "node:test";
import { parsePem } from "./pem-blocks.ts";

const block = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
const labelsOf = (text: string): readonly string[] =>
  parsePem(text).blocks.map(({ label }) => label);
const MARK = "\u00ef\u00bb\u00bf";

it("finds the blocks between other text", () => {
  const text = `subject=CN=a\n${block("CERTIFICATE")}\n# key\r\n${block("EC PRIVATE KEY").replaceAll("\n", "\r\n")}`;
  assert.deepEqual(parsePem(text), {
    blocks: [
      { label: "CERTIFICATE", pem: block("CERTIFICATE"), line: 2 },
      { label: "EC PRIVATE KEY", pem: block("EC PRIVATE KEY"), line: 7 },
    ],
    strays: [],
    unclosed: undefined,
    encoding: undefined,
  });
  assert.deepEqual(labelsOf("no PEM"), []);
});

it("accepts what OpenSSL accepts: a byte order mark, white space at line ends, no final newline", () => {
  const plain = block("CERTIFICATE");
  for (const text of [
    MARK + plain,
    plain.replaceAll("\n", " \t\r\r\n"),
    plain.trimEnd(),
    plain.replace("AAAA", "  AAAA"),
    `-----\n${plain}`,
  ]) {
    assert.deepEqual(labelsOf(text), ["CERTIFICATE"], JSON.stringify(text));
    assert.equal(parsePem(text).blocks[0]?.pem, plain);
  }
});

it("notices a file that is cut off or mixed up", () => {
  const unclosedOf = (text: string): unknown => parsePem(text).unclosed;
  assert.deepEqual(unclosedOf(block("CERTIFICATE").slice(0, -10)), {
    label: "CERTIFICATE",
    line: 1,
  });
  assert.deepEqual(unclosedOf("-----BEGIN A-----\nAAAA\n-----END B-----\n"), {
    label: "A",
    line: 1,
  });
  assert.deepEqual(unclosedOf(`\n-----BEGIN A-----\n${block("B")}`), { label: "A", line: 2 });
});

it("names every BEGIN that does not begin a block", () => {
  const plain = block("CERTIFICATE");
  for (const [text, label, reason] of [
    [`  ${plain}`, "CERTIFICATE", /indented/],
    [plain.replaceAll(/^/gm, "    "), "CERTIFICATE", /indented/],
    [`x${plain}`, "CERTIFICATE", /other text before/],
    [`# ${plain}`, "CERTIFICATE", /other text before/],
    [`a\n${MARK}${plain}`, "CERTIFICATE", /other text before/],
    [plain.replace("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE---"), "CERTIFICATE", /of the form/],
    [
      plain.replace("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE----- a"),
      "CERTIFICATE",
      /the form/,
    ],
    [plain.replaceAll("CERTIFICATE", "certificate"), "", /of the form/],
    [plain.replaceAll("\n", "\r"), "CERTIFICATE", /carriage return/],
  ] as const) {
    const { blocks, strays } = parsePem(text);
    assert.equal(blocks.length, 0, JSON.stringify(text));
    assert.equal(strays[0]?.label, label);
    assert.match(strays[0]?.reason ?? "", reason);
  }
});

it("recognizes the encoding of a file that is not PEM", () => {
  assert.equal(parsePem("0\u0082\u0001\u00000\u0082").encoding, "DER");
  assert.equal(parsePem("0\u0082\u0001\u0000\u0002\u0001\u00030").encoding, "PKCS #12");
  assert.equal(parsePem("\u00ff\u00fe-\u0000-\u0000").encoding, "UTF-16");
  assert.equal(parsePem("0123").encoding, undefined);
});
