import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { changeLines } from "./change-lines.ts";
import { branchesOf, isUnionNode, type SchemaNode } from "./discriminated-union.ts";
import { DocumentSchema } from "./document.ts";
import { endpointText, filePath, markOf, secretText, type Mark } from "./marks.ts";
import Type, { type TSchema } from "typebox";
import { discriminatedUnion } from "./discriminated-union.ts";
import { parseDocument } from "./parse-document.ts";
import { isFingerprint, redact, redactChanges, restoreSecrets } from "./secrets.ts";
import type { Json } from "../json.ts";

interface Field {
  readonly keys: readonly string[];
  readonly schema: SchemaNode;
}

/** Returns every leaf of a schema. */
function fieldsOf(schema: SchemaNode, keys: readonly string[] = []): readonly Field[] {
  if (isUnionNode(schema)) return branchesOf(schema).flatMap((branch) => fieldsOf(branch, keys));
  if (schema.items !== undefined) return fieldsOf(schema.items, [...keys, "443"]);
  const inner = Object.entries({
    ...schema.properties,
    ...(schema.patternProperties === undefined
      ? {}
      : { shop: Object.values(schema.patternProperties)[0] ?? {} }),
  });
  if (inner.length === 0) return [{ keys, schema }];
  return inner.flatMap(([key, one]) => fieldsOf(one, [...keys, key]));
}

const ROOT: TSchema = DocumentSchema;
const FIELDS = fieldsOf(ROOT).filter(({ keys }) => keys[0] !== "director");
const marked = (mark: Mark): readonly Field[] =>
  FIELDS.filter(({ schema }) => markOf(schema) === mark);

const CANARY = "canary-7f3a";
const fingerprintOf = (secret: string): string =>
  `secret:test:${Buffer.from(secret).toString("hex").split("").toReversed().join("").padEnd(22, "0").slice(0, 60)}`;

/** Returns a document that has a value at a place. */
const nested = (keys: readonly string[], value: unknown): Json =>
  keys.reduceRight<unknown>(
    (inner, key) => (key === "443" ? [{ port: 443, ...(inner as object) }] : { [key]: inner }),
    value,
  ) as Json;

describe("the schema", () => {
  it("marks every text whose description speaks of a file or a socket", () => {
    const texts = FIELDS.filter(({ schema }) => JSON.stringify(schema).includes('"string"')).filter(
      // One word of a list is no path.
      ({ schema }) => schema.const === undefined,
    );
    assert.ok(texts.length > 10);
    const speaks = /\b(?:files?|PEM|unix|sockets?|folders?)\b/i;
    for (const { keys, schema } of texts) {
      if (!speaks.test(schema.description ?? "")) continue;
      assert.ok(["file", "endpoint"].includes(markOf(schema) ?? ""), keys.join("."));
    }
    assert.ok(marked("file").length >= 6);
  });

  it("marks every text whose description speaks of a secret", () => {
    for (const { keys, schema } of FIELDS) {
      if (!/^The (?:passphrase|password|secret|token)/i.test(schema.description ?? "")) continue;
      assert.equal(markOf(schema), "secret", keys.join("."));
    }
    // A further one must be planted in api-operations.test.ts too, which looks for it in every reply.
    assert.deepEqual(
      marked("secret").map(({ keys }) => keys.join(".")),
      ["certificates.shop.passphrase"],
    );
  });
});

describe("a secret", () => {
  it("is shown by nothing, wherever the schema has one", () => {
    for (const { keys } of marked("secret")) {
      for (const value of [CANARY, [CANARY], { a: CANARY }, `${CANARY}\n`, CANARY.repeat(500)]) {
        const document = nested(keys, value);
        const parts = keys.map((_, at) => nested(keys.slice(at), value));
        const changes = parts.map((after, at) => ({
          path: keys.slice(0, at),
          after,
          before: after,
        }));
        const shown = [
          redact(DocumentSchema, document, fingerprintOf),
          redactChanges(DocumentSchema, changes.slice(1), fingerprintOf),
          changeLines(changes.slice(1)),
          parseDocument(document).problems,
        ];
        assert.doesNotMatch(JSON.stringify(shown), /canary/);
      }
    }
  });

  it("of one kind of listener only is found without the listener", () => {
    const branch = (mode: string, secret: object) =>
      Type.Object({ mode: Type.Literal(mode), ...secret });
    const union = discriminatedUnion(
      "mode",
      [branch("a", { word: Type.String() }), branch("b", { word: secretText("") })],
      Type.Enum(["a", "b"], { default: "a" }),
      "",
    );
    const list = Type.Object({ listeners: Type.Array(Type.Unsafe(union)) });
    const named = (inner: TSchema) => Type.Record(Type.String(), inner);
    const schema = Type.Object({ profiles: named(Type.Object({ vnics: named(list) })) });
    const path = ["profiles", "shop", "vnics", "front", "listeners", "443", "word"];
    const [change] = redactChanges(schema, [{ path, after: CANARY }], fingerprintOf);
    assert.ok(isFingerprint(change?.after));
  });

  it("is not misled by other marks", () => {
    const schema = Type.Object({ file: filePath(""), to: endpointText(), word: secretText("") });
    const value = { file: "a.pem", to: "unix:/a", word: "x" };
    const shown = redact(schema, value, fingerprintOf);
    assert.deepEqual(shown, { ...value, word: fingerprintOf("x") });
  });
});

describe("a fingerprint that is sent", () => {
  const current = {
    certificates: { shop: { chain: "a.pem", passphrase: "old" }, pay: { chain: "b" } },
  };
  const shown = fingerprintOf("old");
  const restore = (sent: unknown) => restoreSecrets(DocumentSchema, sent, current, fingerprintOf);

  it("keeps the secret at its place, in a document and in a patch", () => {
    const sent = { certificates: { shop: { passphrase: shown }, pay: null } };
    assert.deepEqual(restore(sent), {
      value: { certificates: { shop: { passphrase: "old" }, pay: null } },
      problems: [],
    });
    assert.deepEqual(restore({ certificates: { shop: { passphrase: "new" } } }).value, {
      certificates: { shop: { passphrase: "new" } },
    });
  });

  it("is a problem anywhere else, or if it is of another secret", () => {
    for (const [name, sent] of [
      ["pay", shown],
      ["new", shown],
      ["constructor", shown],
      ["shop", fingerprintOf("other")],
    ] as const) {
      const { problems } = restore({ certificates: { [name]: { passphrase: sent } } });
      assert.deepEqual(
        problems.map(({ code, path }) => [code, path]),
        [["unknown-fingerprint", `certificates.${name}.passphrase`]],
      );
    }
  });

  it("is never taken for the secret itself", () => {
    const { document, problems } = parseDocument({
      certificates: { shop: { chain: "a.pem", passphrase: shown } },
    });
    assert.equal(document, undefined);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ["unknown-fingerprint"],
    );
  });
});

it("a certificate has a passphrase or a passphraseFile, and not both", () => {
  const both = { chain: "a.pem", passphrase: CANARY, passphraseFile: "a.pass" };
  const { problems } = parseDocument({ certificates: { shop: both } });
  assert.deepEqual(
    problems.map(({ code, path }) => [code, path]),
    [["forbidden-key", "certificates.shop.passphrase"]],
  );
  const one = parseDocument({ certificates: { shop: { chain: "a.pem", passphrase: CANARY } } });
  assert.deepEqual(one.problems, []);
});
