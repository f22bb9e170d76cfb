import { Settings } from "typebox/system";
import type { TSchema } from "typebox";
import { Equal, Errors } from "typebox/value";
import { CERTIFICATE_NAME_PATTERN, certificateNameFaultOf } from "./certificate-name.ts";
import { tryClosestName, tryDidYouMean } from "./closest-name.ts";
import { fillDefaults } from "./conform.ts";
import { fits } from "./fits.ts";
import {
  isUnionNode,
  otherwiseOf,
  tagOf,
  tryBranchOf,
  type UnionNode,
} from "./discriminated-union.ts";
import type { Problem } from "../failure.ts";
import { FIELD_NAME_PATTERN } from "./response-fields.ts";
import { NAME_PATTERN, PORT_PATTERN } from "../names.ts";
import { pathOf, problemOf, quoted, type ProblemCode } from "../problem.ts";
import { SERVER_NAME_KEY_PATTERN } from "./names-option.ts";
import {
  AGE_PATTERN,
  DURATION_PATTERN,
  RATE_PATTERN,
  SIZE_PATTERN,
  TIMEOUT_PATTERN,
} from "../units.ts";

type Steps = readonly (string | number)[];
type SchemaError = ReturnType<typeof Errors>[number];

/**
 * The maximum number of problems that are reported. More would not help an operator, and a hostile document could have
 * millions.
 */
export const MAX_PROBLEMS = 1_000;
/** Several errors can belong to one problem in a union. Errors beyond this number are not looked for. */
const MAX_ERRORS = 10 * MAX_PROBLEMS;

/** How the path of an error of one unknown key ends. */
const UNKNOWN_KEY = "/additionalProperties";

type Explain = (value: unknown) => string;

const PATTERN_PROBLEMS: ReadonlyMap<string, readonly [ProblemCode, Explain]> = new Map([
  [NAME_PATTERN, ["bad-name", (value) => `${quoted(value)} is not a valid name.`]],
  [
    CERTIFICATE_NAME_PATTERN,
    ["bad-certificate-name", (value) => certificateNameFaultOf(String(value))],
  ],
  [RATE_PATTERN, ["malformed-rate", (value) => `${quoted(value)} is not a rate.`]],
  [
    SERVER_NAME_KEY_PATTERN,
    ["bad-server-name", (value) => `${quoted(value)} is not a server name.`],
  ],
  [PORT_PATTERN, ["bad-value", (value) => `${quoted(value)} is not a port.`]],
  [DURATION_PATTERN, ["malformed-duration", (value) => `${quoted(value)} is not a duration.`]],
  [TIMEOUT_PATTERN, ["malformed-duration", (value) => timeoutFaultOf(value)]],
  [AGE_PATTERN, ["malformed-age", (value) => `${quoted(value)} is not an age.`]],
  [
    FIELD_NAME_PATTERN,
    ["bad-field-name", (value) => `${quoted(value)} is not the name of an HTTP field.`],
  ],
  [SIZE_PATTERN, ["malformed-size", (value) => `${quoted(value)} is not a size.`]],
]);

/** Some programs take 0 for no limit, so the message says that it is none. */
function timeoutFaultOf(value: unknown): string {
  return new RegExp(DURATION_PATTERN).test(String(value))
    ? `${quoted(value)} is no time to wait, and it does not mean that there is no limit.`
    : `${quoted(value)} is not a duration.`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: "a map of keys",
  array: "a list",
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  null: "nothing",
};

const BOUND_TEXTS: Readonly<Record<string, string>> = {
  minimum: "too small: at least",
  maximum: "too large: at most",
  minLength: "too short: at least",
  minItems: "too short: at least",
  maxLength: "too long: at most",
  maxItems: "too long: at most",
  maxProperties: "too large: at most",
};

export interface SchemaFindings {
  readonly problems: readonly Problem[];
  /** The paths of missing keys that misspelt keys probably stand for. */
  readonly meant: readonly string[];
}

/**
 * Returns a problem for each value that does not fit the schema, and for each unknown and each missing key. A key that is missing because
 * it is misspelt is no problem of its own.
 */
export function checkSchema(schema: TSchema, value: unknown): SchemaFindings {
  if (fits(schema, value)) return { problems: [], meant: [] };
  const findings = problemsAt({ steps: [], value }, schema);
  const meant = new Set(findings.flatMap((finding) => finding.meant ?? []));
  const isNew = ({ problem: { code, path } }: Finding): boolean =>
    code !== "missing-key" || !meant.has(path);
  const problems = findings
    .filter(isNew)
    .map(({ problem }) => problem)
    .slice(0, MAX_PROBLEMS);
  const firstOfPath = new Map(problems.toReversed().map((problem) => [problem.path, problem]));
  return {
    problems: problems.filter((problem) => firstOfPath.get(problem.path) === problem),
    meant: [...meant],
  };
}

interface Finding {
  readonly problem: Problem;
  /** The path of the key that a misspelt key probably stands for. */
  readonly meant?: string;
}

/** A part of the document: its value and the steps that lead to it. */
interface Place {
  readonly value: unknown;
  readonly steps: Steps;
}

/**
 * Returns the problems of a part of the document. Errors inside a union are left out, because typebox mixes those of
 * several branches. A discriminated union is checked again with the branch that the value chooses. `union` is the union
 * that `schema` is a branch of. Returns no problem only if the part fits the schema.
 */
function problemsAt(place: Place, schema: object, union?: UnionNode): readonly Finding[] {
  const errors = errorsOf(schema, place.value);
  const unions = new Set(
    errors.flatMap(({ keyword, schemaPath }) => unionPathOf(keyword, schemaPath)),
  );
  const isInUnion = ({ schemaPath }: SchemaError): boolean =>
    [...unions].some((path) => schemaPath.startsWith(path));
  // An error of each unknown key precedes the one of all unknown keys of a map, which may be beyond the last error.
  const isCut = errors.length >= MAX_ERRORS;
  const findings = errors
    .filter((error) => (error.keyword !== "boolean" || isCut) && !isInUnion(error))
    .flatMap((error) => problemsOf(schema, place, error, union));
  if (errors.length === 0 || findings.length > 0) return findings;
  const path = pathOf(...place.steps);
  return [{ problem: problemOf("bad-value", path, `${shown(place.value)} is not allowed here.`) }];
}

/** Returns how the paths of errors inside the union begin. */
function unionPathOf(keyword: SchemaError["keyword"], schemaPath: string): readonly string[] {
  if (keyword === "anyOf") return [`${schemaPath}/anyOf/`];
  return keyword === "if" ? [`${schemaPath}/else`] : [];
}

function errorsOf(schema: object, value: unknown): readonly SchemaError[] {
  // By default, typebox stops after 8 errors.
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: MAX_ERRORS });
  try {
    return Errors(schema, value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

function problemsOf(
  schema: object,
  place: Place,
  error: SchemaError,
  union: UnionNode | undefined,
): readonly Finding[] {
  const { value, steps } = placeOf(place, error.instancePath);
  const node = nodeOf(schema, error.schemaPath);
  if (isUnionNode(node)) {
    return problemsAt({ value, steps }, tryBranchOf(node, value) ?? otherwiseOf(node), node);
  }
  if (error.keyword === "boolean" && error.schemaPath.endsWith(UNKNOWN_KEY)) {
    const map = placeOf(place, error.instancePath.slice(0, error.instancePath.lastIndexOf("/")));
    const around = nodeOf(schema, error.schemaPath.slice(0, -UNKNOWN_KEY.length));
    return [unknownKey(around, map, String(steps.at(-1)), union)];
  }
  if (error.keyword === "additionalProperties") {
    const other = union && nodeOf(otherwiseOf(union), error.schemaPath);
    return error.params.additionalProperties.map((key) =>
      union !== undefined && Object.hasOwn(fieldOf(other, "properties") ?? {}, key)
        ? { problem: foreignKey(union, place, [...steps.slice(place.steps.length), key]) }
        : unknownKey(node, { value, steps }, key, union),
    );
  }
  if (error.keyword === "required") {
    return error.params.requiredProperties.map((key) => ({
      problem: problemOf(
        "missing-key",
        pathOf(...steps, key),
        `\`${key}\` is missing.`,
        textOf(nodeOf(node, `#/properties/${key}`), "description"),
      ),
    }));
  }
  const path = pathOf(...steps);
  if (isSecretNode(node)) {
    return [{ problem: secretMisfit(value, path, textOf(node, "description")) }];
  }
  return [{ problem: misfitOf(error, value, path, textOf(node, "description")) }];
}

/** The value is a secret that does not fit the schema, so the message does not show any part of it. */
const secretMisfit = (value: unknown, path: string, description: string | undefined): Problem =>
  problemOf(
    "bad-value",
    path,
    typeof value === "string"
      ? "The text is empty, has more than one line or is too long."
      : "The value is not text.",
    description,
  );

const isSecretNode = (node: unknown): boolean => textOf(node, "mark") === "secret";

function misfitOf(
  error: SchemaError,
  value: unknown,
  path: string,
  description: string | undefined,
): Problem {
  const bad = (message: string, hint = description): Problem =>
    problemOf("bad-value", path, message, hint);
  if (value === null) return bad("It is empty.", "Give it a value, or remove the key.");
  if (error.keyword === "type") {
    const type = String(error.params.type);
    return bad(`${shown(value)} is not ${TYPE_NAMES[type] ?? type}.`);
  }
  if (error.keyword === "enum") {
    const allowed = error.params.allowedValues.map(String);
    const hint = typeof value === "string" ? tryDidYouMean(value, allowed) : undefined;
    return bad(`${shown(value)} is not one of ${allowed.join(", ")}.`, hint);
  }
  if (error.keyword === "pattern") {
    return (
      tryPatternProblem(String(error.params.pattern), path, value) ??
      bad(`${shown(value)} has characters that are not allowed.`)
    );
  }
  const bound = BOUND_TEXTS[error.keyword];
  return bound !== undefined && "limit" in error.params
    ? bad(`${shown(value)} is ${bound} ${error.params.limit}.`)
    : bad(`${shown(value)} is not allowed here.`);
}

function tryPatternProblem(pattern: string, path: string, value: unknown): Problem | undefined {
  const [code, explain] = PATTERN_PROBLEMS.get(pattern) ?? [];
  return code === undefined || explain === undefined
    ? undefined
    : problemOf(code, path, explain(value));
}

/**
 * Returns the problem of a key that belongs to another branch of the union. It is not misspelt, and its author expects
 * an effect. `inner` leads to the key from the value that chooses the branch.
 */
function foreignKey(union: UnionNode, { value, steps }: Place, inner: Steps): Problem {
  const { propertyName } = union.discriminator;
  const message = `A listener of ${propertyName} ${String(tagOf(union, value))} does not support ${pathOf(...inner)}.`;
  return problemOf("forbidden-key", pathOf(...steps, ...inner), message);
}

function unknownKey(
  node: unknown,
  { value, steps }: Place,
  key: string,
  union: UnionNode | undefined,
): Finding {
  const path = pathOf(...steps, key);
  const [pattern] = Object.keys(fieldOf(node, "patternProperties") ?? {});
  const badName = pattern === undefined ? undefined : tryPatternProblem(pattern, path, key);
  if (badName !== undefined) return { problem: badName };
  const properties = fieldOf(node, "properties") ?? {};
  const known = Object.keys(properties);
  const closest = tryClosestName(key, known);
  const problem = problemOf(
    "unknown-key",
    path,
    `${quoted(key)} is not a known key.`,
    tryDidYouMean(key, known) ?? `Known keys: ${known.join(", ")}.`,
  );
  const isAbsent = closest !== undefined && isUnset(node, value, closest, union);
  return isAbsent ? { problem, meant: pathOf(...steps, closest) } : { problem };
}

/** Returns true if the key is absent, or has its default, which is filled in before the check. */
function isUnset(
  node: unknown,
  value: unknown,
  key: string,
  union: UnionNode | undefined,
): boolean {
  const map = Object(value) as Readonly<Record<string, unknown>>;
  if (!Object.hasOwn(map, key)) return true;
  if (key === union?.discriminator.propertyName) return map[key] === tagOf(union, {});
  const property = fieldOf(fieldOf(node, "properties"), key);
  return Equal(map[key], fillDefaults(property ?? {}, undefined));
}

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return "A list";
  return typeof value === "object" ? "A map" : quoted(value);
};

const stepsOf = (pointer: string): readonly string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

function fieldOf(value: unknown, key: string): object | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  const field = (value as Readonly<Record<string, unknown>>)[key];
  return typeof field === "object" && field !== null ? field : undefined;
}

function textOf(node: unknown, key: string): string | undefined {
  if (typeof node !== "object" || node === null) return undefined;
  const text = (node as Readonly<Record<string, unknown>>)[key];
  return typeof text === "string" ? text : undefined;
}

/** Returns the part of the schema at `#/properties/a/patternProperties/...`. */
function nodeOf(schema: unknown, schemaPath: string): unknown {
  return stepsOf(schemaPath).reduce<unknown>((node, step) => fieldOf(node, step), schema);
}

function placeOf(place: Place, instancePath: string): Place {
  let { value } = place;
  const steps = [...place.steps];
  for (const step of stepsOf(instancePath)) {
    steps.push(Array.isArray(value) ? Number(step) : step);
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[step];
  }
  return { value, steps };
}
