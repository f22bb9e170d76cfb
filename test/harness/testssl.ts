import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runToExit } from "./child-process.ts";
import { makeTempFolder } from "./temp-folder.ts";

/** One entry of the flat JSON that testssl.sh writes. */
export interface TestsslFinding {
  readonly id: string;
  /** DEBUG, INFO and OK are good; WARN, LOW, MEDIUM, HIGH, CRITICAL and FATAL are not. */
  readonly severity: string;
  readonly finding: string;
}

export interface TestsslTarget {
  readonly ip: string;
  readonly port: number;
  readonly serverName: string;
  /** PEM file with the CA. */
  readonly caPath: string;
}

const goodSeverities: readonly string[] = ["DEBUG", "INFO", "OK"];

/** Runs sections of testssl.sh, e.g. `--protocols`, and gives all that it found. */
export async function runTestssl(
  target: TestsslTarget,
  sections: readonly string[],
  deadlineMs: number,
): Promise<readonly TestsslFinding[]> {
  const jsonPath = join(await makeTempFolder(), "findings.json");
  const quiet = ["--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none"];
  const place = ["--ip", target.ip, `${target.serverName}:${target.port}`];
  const { stdout, stderr } = await runToExit(
    "testssl",
    [...quiet, "--add-ca", target.caPath, "--jsonfile", jsonPath, ...sections, ...place],
    { deadlineMs, env: { TERM: "dumb" } },
  );
  const findings = await readFile(jsonPath, "utf8").then(
    (text) => JSON.parse(text) as readonly TestsslFinding[],
    (cause: unknown) => {
      throw new Error(`testssl wrote no JSON; it printed:\n${stdout}${stderr}`, { cause });
    },
  );
  // It ends with the number of problems that it met, which says nothing of whether it ran to its end.
  if (!findings.some(({ id }) => id === "scanTime")) {
    throw new Error(`testssl did not finish; it printed:\n${stdout}${stderr}`);
  }
  return findings;
}

export const isGoodFinding = ({ severity }: TestsslFinding): boolean =>
  goodSeverities.includes(severity);
