import type { HeadFields } from "../head/head-fields.ts";

const NAME = Buffer.from("priority", "latin1");
const DEFAULT_URGENCY = 3;

export interface Priority {
  /** 0 to 7, the most urgent first. */
  readonly urgency: number;
  /** Whether parts of the answer are of use to the client. */
  readonly isIncremental: boolean;
}

const DEFAULT: Priority = { urgency: DEFAULT_URGENCY, isIncremental: false };

/** Returns what the field `priority` says (RFC 9218 section 4). What is not valid in it is ignored. */
export function priorityOf(fields: HeadFields): Priority {
  for (let index = 0; index < fields.count; index += 1) {
    const start = fields.nameStart[index] ?? 0;
    const end = fields.nameEnd[index] ?? 0;
    if (end - start === NAME.length && fields.bytes.compare(NAME, 0, NAME.length, start, end) === 0)
      return parsePriority(fields.value(index));
  }
  return DEFAULT;
}

function parsePriority(value: string): Priority {
  let { urgency, isIncremental } = DEFAULT;
  for (const member of value.split(",", 16)) {
    const [parameter = ""] = member.trim().split(";", 1);
    if (/^u=[0-7]$/.test(parameter)) urgency = Number(parameter.slice(2));
    else if (parameter === "i" || parameter === "i=?1") isIncremental = true;
    else if (parameter === "i=?0") isIncremental = false;
  }
  return { urgency, isIncremental };
}
