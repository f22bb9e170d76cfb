import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseYaml } from "./parse-yaml.ts";
import { SyntaxProblem } from "./syntax-problem.ts";

const valueOf = (text: string | Uint8Array): unknown => parseYaml(Buffer.from(text)).value;

function refused(text: string | Uint8Array, message: RegExp): void {
  assert.throws(
    () => valueOf(text),
    (error) => {
      assert.ok(error instanceof SyntaxProblem);
      const { line, column } = error.position ?? {};
      assert.match(`${line}:${column}: ${error.message}`, message);
      return true;
    },
  );
}

describe("parseYaml", () => {
  it("reads YAML and JSON, tabs in JSON too", () => {
    const expected = { servers: { "web-1": { address: "192.0.2.1" } } };
    assert.deepEqual(valueOf("servers:\n  web-1: { address: 192.0.2.1 }\n"), expected);
    assert.deepEqual(valueOf(JSON.stringify(expected, undefined, "\t")), expected);
    assert.equal(valueOf(""), null);
  });

  it("names line and column of an error", () => {
    refused("a: 1\nb: [1, 2\n", /^\d:\d+: /);
    refused("a:\n\tb: 1", /^2:1: Tabs/);
    refused("a: !secret 1", /^1:4: Unresolved tag/);
    refused("a: 1\n---\na: 2\n", /^2:1: A second document begins here/);
  });

  it("shows no part of a value that is not valid YAML, because it can be a passphrase", () => {
    const canary = "canary-7f3a";
    const values = ["*", "!", "!a!", "!!", "@", "%", "|", ">", '"\\q', '"', "{", "x: ", "]", "`"];
    for (const start of values) {
      for (const end of ["", " x", "\n b"]) {
        try {
          valueOf(`a:\n  passphrase: ${start}${canary}${end}\n  chain: a\n`);
        } catch (error) {
          assert.doesNotMatch(String(error), /canary/, start);
        }
      }
    }
    refused(`a: !${canary} x`, /1:4: Unresolved tag\.$/);
  });

  it("refuses duplicate keys in YAML and in JSON", () => {
    refused("a: 1\nb: 2\na: 3\n", /^3:1: The key "a" is duplicated/);
    refused('{"a": {"b": 1, "b": 2}}', /The key "b" is duplicated/);
    refused('{"a": 1, "\\u0061": 2}', /The key "a" is duplicated/);
    refused("1: a\n'1': b\n", /The key "1" is duplicated/);
    refused("? {a: 1}\n: 2\n", /A key must be plain text/);
  });

  it("expands aliases up to a limit", () => {
    const { b } = valueOf("a: &x { port: 1 }\nb: [*x, *x]\n") as { b: unknown };
    assert.deepEqual(b, [{ port: 1 }, { port: 1 }]);
    const levels = Array.from(
      { length: 12 },
      (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(9)}]`,
    );
    refused(["a0: &a0 [1]", ...levels].join("\n"), /aliases of the document expand to too much/);
    refused("a: &x [*x]", /&x contains itself/);
    refused("a: *x", /1:4: The alias has no anchor/);
  });

  it("reads ten thousand certificates in less than a few seconds", { timeout: 5_000 }, () => {
    const entries = Array.from({ length: 10_000 }, (_, at) => `  c${at}: { chain: c${at}.pem }\n`);
    const value = valueOf(`certificates:\n${entries.join("")}`);
    assert.equal(Object.keys((value as { certificates: object }).certificates).length, 10_000);
  });

  it("refuses a text that is nested too deeply or too large", () => {
    refused("[".repeat(100_000), /nested too deeply/);
    refused(`${"{a: ".repeat(50_000)}1`, /nested too deeply/);
    refused("- ".repeat(50_000), /nested too deeply/);
    const shared = `a: &x [${`"${"a".repeat(1_000)}",`.repeat(100)}]\n`;
    refused(`${shared}b: [${"*x,".repeat(60)}]\n`, /more than 4 MiB/);
    refused(Uint8Array.of(0x61, 0x3a, 0xff), /not UTF-8/);
  });

  it("keeps numbers that JSON lacks as text, so that the schema refuses them", () => {
    assert.deepEqual(valueOf("a: [.inf, -.inf, .nan]"), { a: ["Infinity", "-Infinity", "NaN"] });
  });
});
