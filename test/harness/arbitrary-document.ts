/** Random documents for property tests, generated from the schema of the document. */
import * as fc from "fast-check";
import type { TSchema } from "typebox";
import { CERTIFICATE_NAME_PATTERN } from "#model/document/certificate-name.ts";
import { branchesOf, isUnionNode, type SchemaNode } from "#model/document/discriminated-union.ts";
import { DocumentSchema } from "#model/document/document.ts";
import { SERVER_NAME_KEY_PATTERN } from "#model/document/names-option.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { isJsonMap, type Json, type JsonMap } from "#model/json.ts";
import { NAME_PATTERN, PORT_PATTERN } from "#model/names.ts";
import { isError } from "#model/problem.ts";
import {
  AGE_PATTERN,
  DURATION_PATTERN,
  RATE_PATTERN,
  SIZE_PATTERN,
  TIMEOUT_PATTERN,
} from "#model/units.ts";

/** The keywords of JSON Schema that set the values of leaves. */
interface Leaf extends SchemaNode {
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
}

/** So few that documents refer to what they have. Some are names that every object inherits. */
const NAMES = ["web-1", "web-2", "web-10", "constructor", "to-string", "modern", "intermediate"];
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  [NAME_PATTERN]: NAMES,
  [CERTIFICATE_NAME_PATTERN]: ["shop", "*.shop.example", "__proto__", "constructor", "shop.10"],
  [PORT_PATTERN]: ["1", "80", "8080", "99999"],
  [DURATION_PATTERN]: ["500ms", "10s", "5m"],
  [TIMEOUT_PATTERN]: ["500ms", "10s", "5m"],
  [AGE_PATTERN]: ["0s", "365d"],
  [SIZE_PATTERN]: ["64KiB", "512MiB"],
  [RATE_PATTERN]: ["100m_1g", "1g_1g", "2g_1g"],
  [SERVER_NAME_KEY_PATTERN]: ["shop.example", "Shop.example.", "*.shop.example", "__proto__", "a"],
  "^[a-z_][a-z0-9_-]{0,31}$": ["tlsd"],
  "^[\\x21-\\x7e]+$": ["h2", "http/1.1"],
};
/** Values of texts without a pattern, by key. */
const TEXTS_BY_KEY: Readonly<Record<string, readonly string[]>> = {
  ip: Array.from({ length: 12 }, (_, at) => `198.51.100.${at + 1}`).concat("2001:db8::1"),
  address: ["192.0.2.1", "192.0.2.2", "2001:db8:1::2"],
  observe: ["127.0.0.1:9180"],
  serverName: ["pay.example"],
  allowFrom: ["192.0.2.0/24", "2001:db8::/32"],
  denyFrom: ["192.0.2.7"],
  trustedProxies: ["198.51.100.0/24"],
  acceptProxyProtocol: ["198.51.100.0/24"],
};
const PATHS = ["certs/a.pem", "/etc/certs/b.pem", "../c.pem", "certs/./d/../d.pem"];
const ENDPOINTS = ["unix:/run/app.sock", "pay.example:443"];

const DEFAULT_MODE = "tcp";
/** Every secret in the documents begins with this, and nothing else contains it. */
export const SECRET_MARK = "canary-7f3a";

/** Returns values that fit the schema, though the document may have other problems. */
function valuesOf(schema: Leaf, key: string): fc.Arbitrary<unknown> {
  if (isUnionNode(schema)) {
    return fc.oneof(...branchesOf(schema).map((branch) => valuesOf(branch, key)));
  }
  if (schema.anyOf !== undefined) {
    return fc.oneof(...schema.anyOf.map((one) => valuesOf(one, key)));
  }
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.properties !== undefined) {
    const { shortKey, properties } = schema;
    const objects = objectsOf(schema, properties);
    const short = shortKey === undefined ? undefined : properties[shortKey];
    return short === undefined ? objects : fc.oneof(valuesOf(short, key), objects);
  }
  if (schema.patternProperties !== undefined) {
    const [[pattern, entry] = ["", {}]] = Object.entries(schema.patternProperties);
    const names = fc.constantFrom(...(TEXTS[pattern] ?? NAMES));
    return fc.dictionary(names, valuesOf(entry, key), { maxKeys: 4, noNullPrototype: true });
  }
  if (schema.items !== undefined) {
    // A listener of mode tcp needs a certificate.
    const { minItems: minLength = key === "certificates" ? 1 : 0 } = schema;
    return fc.uniqueArray(valuesOf(schema.items, key), { minLength, maxLength: 3 });
  }
  return leavesOf(schema, key);
}

function leavesOf(schema: Leaf, key: string): fc.Arbitrary<unknown> {
  if (schema.type === "boolean") return fc.boolean();
  if (schema.type === "integer") {
    const { minimum = 0, maximum = 65_535 } = schema;
    return key === "port"
      ? fc.integer({ min: 1, max: 12 })
      : fc.integer({ min: minimum, max: maximum });
  }
  if (schema.mark === "file") return fc.constantFrom(...PATHS);
  if (schema.mark === "endpoint") return fc.constantFrom(...ENDPOINTS);
  if (schema.mark === "secret") {
    const texts = fc.string({ maxLength: 24 });
    return texts.map((text) => `${SECRET_MARK}${text.replaceAll(/[\0\r\n]/g, "x")}`);
  }
  return fc.constantFrom(...(TEXTS[schema.pattern ?? ""] ?? TEXTS_BY_KEY[key] ?? ["text"]));
}

function objectsOf(
  schema: SchemaNode,
  properties: Readonly<Record<string, SchemaNode>>,
): fc.Arbitrary<unknown> {
  const { required = [] } = schema;
  const isRequired = (key: string): boolean =>
    required.includes(key) &&
    properties[key]?.default === undefined &&
    properties[key]?.const !== DEFAULT_MODE;
  const values = Object.fromEntries(
    Object.entries(properties).map(([key, property]) => [key, valuesOf(property, key)]),
  );
  return fc.record(values, {
    requiredKeys: Object.keys(values).filter(isRequired),
    noNullPrototype: true,
  });
}

const ROOT: TSchema = DocumentSchema;

const documents = valuesOf(ROOT, "") as fc.Arbitrary<JsonMap>;

const mapOf = (value: Json | undefined): JsonMap => (isJsonMap(value) ? value : {});

/** Everything that documents refer to. */
const everyName = (entry: JsonMap, names: readonly string[]): JsonMap =>
  Object.fromEntries(names.map((name) => [name, entry]));
const SERVERS = everyName({ address: "192.0.2.3" }, NAMES);
const CERTIFICATES = everyName({ chain: "a.pem" }, TEXTS[CERTIFICATE_NAME_PATTERN] ?? []);
const POLICIES = everyName({}, NAMES.slice(0, 5));

const completed = (document: JsonMap): JsonMap => ({
  ...document,
  servers: { ...SERVERS, ...mapOf(document["servers"]) },
  certificates: { ...CERTIFICATES, ...mapOf(document["certificates"]) },
  policies: { ...POLICIES, ...mapOf(document["policies"]) },
});

/** Documents that `parseDocument` accepts. */
export const acceptedDocuments: fc.Arbitrary<JsonMap> = fc
  .oneof(documents, documents.map(completed), documents.map(completed))
  .map(settled);

/** Documents that are accepted, nearly accepted, or any JSON. */
export const anyDocuments: fc.Arbitrary<unknown> = fc.oneof(
  documents,
  fc
    .tuple(acceptedDocuments, fc.array(fc.nat(20), { maxLength: 8 }), fc.jsonValue())
    .map(([document, way, part]) => replacedAt(document, way, part as Json)),
  fc.jsonValue(),
);

/** Replaces a part of the value. `way` chooses the entry at each level. */
function replacedAt(value: Json, way: readonly number[], part: Json): Json {
  const [step, ...rest] = way;
  if (step === undefined) return part;
  if (Array.isArray(value)) {
    const index = step % (value.length + 1);
    return value.toSpliced(index, 1, replacedAt(value[index] ?? null, rest, part));
  }
  if (!isJsonMap(value)) return part;
  const entries = Object.entries(value);
  const [key, entry] = entries[step % (entries.length + 1)] ?? ["another", null];
  return Object.fromEntries([...entries, [key, replacedAt(entry, rest, part)]]);
}

/** Removes what has problems, then its owner if it still has, until the document is accepted. */
function settled(value: JsonMap): JsonMap {
  let document = value;
  for (let round = 0; round < 20; round += 1) {
    const errors = parseDocument(document).problems.filter(isError);
    if (errors.length === 0) return document;
    for (const { path } of errors.toReversed()) {
      const steps = stepsOf(path);
      const kept = round % 2 === 0 ? steps : steps.slice(0, -1);
      document = (without(document, kept.length === 0 ? steps : kept) ?? {}) as JsonMap;
    }
  }
  throw new Error(`not settled: ${JSON.stringify(parseDocument(document).problems)}`);
}

const stepsOf = (path: string): readonly string[] =>
  Array.from(
    path.matchAll(/([\w-]+)|"((?:[^"\\]|\\.)*)"/g),
    ([, plain, quoted]) => plain ?? quoted ?? "",
  );

function without(value: Json, [step, ...rest]: readonly string[]): Json | undefined {
  if (step === undefined) return undefined;
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, index) => {
      const kept = String(index) === step ? without(item, rest) : item;
      return kept === undefined ? [] : [kept];
    });
  }
  if (!isJsonMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, entry]) => {
      const kept = key === step ? without(entry, rest) : entry;
      return kept === undefined ? [] : [[key, kept]];
    }),
  );
}
