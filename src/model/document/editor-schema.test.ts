import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { editorSchema } from "./editor-schema.ts";
import { parseDocument } from "./parse-document.ts";

const DEMO_DOCUMENT = fileURLToPath(new URL("../../../director.yaml", import.meta.url));

describe("the schema for editors", () => {
  const isValid = new Ajv2020({ strict: true, strictTypes: false, allErrors: true }).compile(
    editorSchema(),
  );
  const errorsOf = (value: unknown): readonly string[] => {
    isValid(value);
    return (isValid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
  const text = readFileSync(DEMO_DOCUMENT, "utf8");

  it("is the file that the demo document names, and accepts that document", () => {
    const [, path = ""] = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text) ?? [];
    const file = readFileSync(resolve(dirname(DEMO_DOCUMENT), path), "utf8");
    assert.deepEqual(JSON.parse(file), editorSchema());
    assert.deepEqual(errorsOf(parse(text)), []);
  });

  it("refuses misspelt keys and wrong values, and says what is allowed", () => {
    for (const [right, wrong] of [
      ["servers:", "serverz:"],
      ["policy:", "polcy:"],
      ["mode: redirect", "mode: redirct"],
      ["to: 18080", "to: [18080]"],
      ["address: 127.0.2.1", "adress: 127.0.2.1"],
    ] as const) {
      assert.ok(text.includes(right));
      assert.notDeepEqual(errorsOf(parse(text.replace(right, wrong))), [], wrong);
    }
  });

  it("goes by the mode of a listener, which is tcp if there is none", () => {
    const withListener = (listener: object) => ({
      profiles: { shop: { vnics: { front: { ip: "192.0.2.1", listeners: [listener] } } } },
    });
    const tcp = { port: 443, to: 80, certificates: ["shop"] };
    assert.deepEqual(errorsOf(withListener(tcp)), []);
    assert.deepEqual(errorsOf(withListener({ ...tcp, mode: "tcp" })), []);
    assert.deepEqual(errorsOf(withListener({ port: 80, mode: "redirect" })), []);
    assert.notDeepEqual(errorsOf(withListener({ ...tcp, mode: "redirect" })), []);
    assert.notDeepEqual(errorsOf(withListener({ port: 443, certificates: ["shop"] })), []);
  });

  it("requires no key with a default, and describes every key", () => {
    assert.deepEqual(errorsOf({}), []);
    assert.equal(parseDocument({}).problems.length, 0);
    const schema = editorSchema() as Record<string, Record<string, Record<string, unknown>>>;
    assert.equal(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert.ok(schema["$id"] && schema["title"]);
    const drain = schema["properties"]?.["director"]?.["properties"] as typeof schema;
    const node: Readonly<Record<string, unknown>> = drain["drain"] ?? {};
    const { default: value, description } = node;
    assert.equal(value, "30s");
    assert.ok(typeof description === "string" && description.startsWith("How long "));
  });
});
