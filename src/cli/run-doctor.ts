import { styleText } from "node:util";
import { escapeControls } from "#model/escape-controls.ts";
import type { DoctorCheck } from "#model/records/doctor.ts";
import { getFromAdmin } from "./admin-client.ts";
import type { DoctorRequest } from "./commands/doctor.ts";
import { hung } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./json-text.ts";

const COLOURS = { ok: "green", warning: "yellow", problem: "red" } as const;
const RESULT_WIDTH = "warning".length;

/** Prints one line for each check, and the command that mends it. Resolves to false if there is a problem. */
export async function runDoctor(
  { socketPath, isJson }: DoctorRequest,
  terminal: Terminal,
): Promise<boolean> {
  const checks = (await getFromAdmin(socketPath, "/v1/doctor")) as readonly DoctorCheck[];
  terminal.out(isJson ? jsonText(checks) : checks.map(textOf(terminal)).join(""));
  return checks.every(({ result }) => result !== "problem");
}

const textOf =
  ({ columns = Infinity, hasColours }: Terminal) =>
  ({ name, result, message, remedy }: DoctorCheck): string => {
    const word = result.padEnd(RESULT_WIDTH);
    const [first = "", ...rest] = hung(
      `${word}  ${name.padEnd(16)}`,
      escapeControls(message),
      columns,
    );
    const shown = hasColours?.out === true ? styleText(COLOURS[result], word) : word;
    const lines = [shown + first.slice(word.length), ...rest];
    if (remedy !== undefined)
      lines.push(`${" ".repeat(RESULT_WIDTH + 2)}-> ${escapeControls(remedy)}`);
    return lines.map((line) => `${line}\n`).join("");
  };
