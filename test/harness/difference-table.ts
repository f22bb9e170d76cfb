import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestOutcome } from "./request-outcome.ts";
import { projectFolder } from "./tlsd.ts";

/** What the director, HAProxy and nginx make of a request. */
export interface Outcomes {
  readonly director: RequestOutcome;
  readonly haproxy: RequestOutcome;
  readonly nginx: RequestOutcome;
}

export interface DifferenceRow {
  /** The text of the section, which explains its rows. */
  readonly reason: string;
  readonly cases: readonly string[];
  /** What the director does. */
  readonly director: string;
  /** The row without the names of its cases. */
  readonly cells: string;
}

const PATH = join(projectFolder, "docs/http-differences.md");
const SEPARATOR = "<br>";

/** The sections of the page begin with `## `. Their rows are those of the table in them. */
export function readDifferenceTable(): readonly DifferenceRow[] {
  const [, ...sections] = readFileSync(PATH, "utf8").split(/^## /m);
  return sections.flatMap((section) => {
    const lines = section.split("\n");
    const reason = lines.filter((line) => !line.startsWith("|")).join(" ");
    const [, , ...rows] = lines.filter((line) => line.startsWith("|"));
    return rows.map((row) => {
      const [, names = "", cells = ""] = /^\| (.*?) (\|.*)$/.exec(row) ?? [];
      const [, director = ""] = /^\| `(.*?)` \|/.exec(cells) ?? [];
      return { reason, cases: names.split(SEPARATOR), director, cells };
    });
  });
}

/** Returns the cells that the row of a case must have, or undefined if all three do the same. */
export function cellsOf({ director, haproxy, nginx }: Outcomes): string | undefined {
  const verdicts = [verdictOf(director, haproxy), verdictOf(director, nginx)];
  if (verdicts.every((verdict) => verdict === "same")) return undefined;
  const outcomes = [director, haproxy, nginx].map(({ text }) => `\`${text}\``);
  return `| ${[...outcomes, ...verdicts].join(" | ")} |`;
}

/** What the director is, compared with another proxy. */
function verdictOf(director: RequestOutcome, peer: RequestOutcome): string {
  if (director.isForwarded !== peer.isForwarded) return peer.isForwarded ? "stricter" : "laxer";
  return director.text === peer.text ? "same" : "different";
}
