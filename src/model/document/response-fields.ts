/** The fields of answers that a listener of mode http sets or removes. */
import Type from "typebox";
import type { Problem } from "../failure.ts";
import { pathOf, problemOf, quoted } from "../problem.ts";

/** A token (RFC 9110 section 5.6.2). */
export const FIELD_NAME_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$";
/** Visible characters, with spaces and tabs only between them (RFC 9110 section 5.5). It may be empty. */
const FIELD_VALUE_PATTERN = "^([!-~]([\\t -~]*[!-~])?)?$";
const MAX_FIELDS = 64;
const MAX_VALUE_LENGTH = 4_096;
/** Clients refuse answers whose heads are much larger. */
const MAX_TOTAL_LENGTH = 16_384;

export const ResponseFieldsSchema = Type.Object(
  {
    set: Type.Record(
      Type.String({ pattern: FIELD_NAME_PATTERN }),
      Type.String({
        maxLength: MAX_VALUE_LENGTH,
        pattern: FIELD_VALUE_PATTERN,
        description: "Value of the field: visible ASCII characters, and spaces between them.",
      }),
      {
        additionalProperties: false,
        maxProperties: MAX_FIELDS,
        default: {},
        description:
          "Values of fields by their names. A field of that name in the answer of the endpoint is replaced.",
      },
    ),
    remove: Type.Array(Type.String({ pattern: FIELD_NAME_PATTERN }), {
      maxItems: MAX_FIELDS,
      isUnique: true,
      default: [],
      description: "Names of fields that are removed from answers of endpoints, e.g. `Server`.",
    }),
  },
  {
    additionalProperties: false,
    default: {},
    description: "Fields that are set in answers of endpoints, or removed from them.",
  },
);
type ResponseFields = Type.Static<typeof ResponseFieldsSchema>;

/** Fields that the director writes itself, because they say how an answer is sent on one connection (RFC 9110 section 7.6.1). */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** How the names of the fields begin by which client and endpoint agree on a WebSocket (RFC 6455 section 11.3). */
const WEB_SOCKET_PREFIX = "sec-websocket-";

/**
 * Returns why the field may not be set or removed, or undefined if it may. Some programs take `_` for `-`, so `_` counts as `-` in
 * these names.
 */
function tryFaultOf(name: string): string | undefined {
  const likeness = name.toLowerCase().replaceAll("_", "-");
  if (OWN_FIELDS.has(likeness)) return `The director writes ${quoted(name)} itself.`;
  return likeness.startsWith(WEB_SOCKET_PREFIX)
    ? `Client and endpoint open a WebSocket with ${quoted(name)}.`
    : undefined;
}

/** Checks what the schema cannot express. Names of fields ignore case. */
export function checkResponseFields(
  place: string,
  { set, remove }: ResponseFields,
): readonly Problem[] {
  const entries = [
    ...Object.keys(set).map((name) => [pathOf("set", name), name] as const),
    ...remove.map((name, index) => [pathOf("remove", index), name] as const),
  ];
  const seen = new Set<string>();
  const problems = entries.flatMap(([step, name]) => {
    const path = `${place}.${step}`;
    const fault = tryFaultOf(name);
    if (fault !== undefined) return [problemOf("forbidden-field", path, fault)];
    const key = name.toLowerCase();
    if (seen.has(key)) {
      const message = `${quoted(name)} is set or removed already. Names of fields ignore case.`;
      return [problemOf("bad-value", path, message, "Remove it.")];
    }
    seen.add(key);
    return [];
  });
  const lengths = Object.entries(set).map(([name, value]) => name.length + value.length + 4);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total <= MAX_TOTAL_LENGTH) return problems;
  const message = `The fields have ${total} bytes, and may have ${MAX_TOTAL_LENGTH} together.`;
  return [...problems, problemOf("bad-value", `${place}.set`, message, "Set fewer fields.")];
}
