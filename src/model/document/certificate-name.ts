import { quoted } from "../problem.ts";

const MAX_LENGTH = 253;

/** A name such as certificates contain: labels joined by dots, with an optional `*.` before them. */
export const CERTIFICATE_NAME_PATTERN = "^(?=.{1,253}$)(?:\\*\\.)?[a-z0-9_-]+(?:\\.[a-z0-9_-]+)*$";

/** Returns a sentence that says what is wrong with a name that does not match the pattern. */
export function certificateNameFaultOf(name: string): string {
  return `${quoted(name)} is not a name of a certificate: ${faultOf(name)}.`;
}

function faultOf(name: string): string {
  if (name === "") return "it is empty";
  if (name.length > MAX_LENGTH) {
    return `it has ${name.length} characters, and at most ${MAX_LENGTH} are allowed`;
  }
  if (name === "*") return "a `*` needs a dot and a name after it";
  const labels = name.split(".");
  if (labels.includes("")) return "a dot must stand between two labels";
  if (labels.some((label, index) => label.includes("*") && (label !== "*" || index > 0))) {
    return "a `*` can only be the whole first label";
  }
  if (/[A-Z]/.test(name)) return "it has upper-case letters";
  const [strange = ""] = /[^a-z0-9_.*-]/u.exec(name) ?? [];
  return `it has the character ${quoted(strange)}`;
}
