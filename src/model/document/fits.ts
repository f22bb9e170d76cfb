import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { Check } from "typebox/value";
import { isJsonMap, type JsonMap } from "../json.ts";
import { Remembered } from "../remembered.ts";
import { filledPartsOf } from "./conform.ts";
import type { SchemaNode } from "./discriminated-union.ts";

/** Above this number of parts that have not been checked, a compiled schema saves more time than the compilation takes. */
const MANY_PARTS = 32;

/** The checks of the parts with one schema. */
class PartChecks {
  readonly #schema: TSchema;
  readonly #fitting = new Remembered<object, boolean>((part) => this.#check(part));
  #validator: Validator | undefined;

  constructor(schema: TSchema) {
    this.#schema = schema;
  }

  fit(parts: readonly object[]): boolean {
    const unchecked = parts.filter((part) => !this.#fitting.has(part));
    if (unchecked.length > MANY_PARTS) this.#validator ??= Compile(this.#schema);
    return parts.every((part) => this.#fitting.of(part));
  }

  noteFitting(part: object): void {
    this.#fitting.note(part, true);
  }

  #check(part: object): boolean {
    return this.#validator?.Check(part) ?? Check(this.#schema, part);
  }
}

const checks = new WeakMap<SchemaNode, PartChecks>();

function checksOf(schema: SchemaNode): PartChecks {
  const known = checks.get(schema) ?? new PartChecks(schema);
  checks.set(schema, known);
  return known;
}

/**
 * Returns whether a document with its defaults fits the schema. It does not say why it does not, which takes ten times as long.
 * Each part of a document is checked once.
 */
export function fits(schema: TSchema, value: unknown): boolean {
  const { properties = {}, required = [] }: SchemaNode = schema;
  if (!isJsonMap(value)) return false;
  const keys = Object.keys(value);
  return (
    keys.every((key) => Object.hasOwn(properties, key)) &&
    required.every((key) => Object.hasOwn(value, key)) &&
    keys.every((key) => fitsSection(properties[key] ?? {}, value[key]))
  );
}

/** Whether sections fit, by their schema. */
const sections = new WeakMap<SchemaNode, Remembered<object, boolean>>();

function fitsSection(schema: SchemaNode, value: unknown): boolean {
  if (!isJsonMap(value)) return false;
  const known =
    sections.get(schema) ??
    new Remembered((section: object) => fitsAnew(schema, section as JsonMap));
  sections.set(schema, known);
  return known.of(value);
}

function fitsAnew(schema: SchemaNode, value: JsonMap): boolean {
  const [[pattern, entrySchema] = []] = Object.entries(schema.patternProperties ?? {});
  if (pattern === undefined || entrySchema === undefined) return Check(schema, value);
  const name = new RegExp(pattern, "u");
  const parts = Object.values<unknown>(value);
  return (
    Object.keys(value).every((key) => name.test(key)) &&
    parts.every((part) => typeof part === "object" && part !== null) &&
    checksOf(entrySchema).fit(parts)
  );
}

/** Notes that a part fits, which another process has found. `filled` is the part with its defaults. */
export function noteFitting(schema: SchemaNode, part: object, filled: object): void {
  filledPartsOf(schema)?.note(part, filled);
  checksOf(schema).noteFitting(filled);
}
