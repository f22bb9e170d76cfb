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

/** Returns what all lines of the field `priority` say (RFC 9218 section 4). What is not valid in them is ignored. */
export function priorityOf(fields: HeadFields): Priority {
  let priority = DEFAULT;
  for (let index = 0; index < fields.count; index += 1) {
    const start = fields.nameStart[index] ?? 0;
    const end = fields.nameEnd[index] ?? 0;
    if (end - start === NAME.length && fields.bytes.compare(NAME, 0, NAME.length, start, end) === 0)
      priority = withLine(priority, fields.value(index));
  }
  return priority;
}

/** The last of several members with the same name counts (RFC 9651 section 3.2). */
function withLine(before: Priority, value: string): Priority {
  let { urgency, isIncremental } = before;
  for (const member of value.split(",", 16)) {
    const [parameter = ""] = member.trim().split(";", 1);
    if (/^u=[0-7]$/.test(parameter)) urgency = Number(parameter.slice(2));
    else if (parameter === "i" || parameter === "i=?1") isIncremental = true;
    else if (parameter === "i=?0") isIncremental = false;
  }
  return { urgency, isIncremental };
}
