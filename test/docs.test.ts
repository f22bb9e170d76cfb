import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Command } from "commander";
import { FAILURES } from "#model/failure-catalog.ts";
import {
  CERTIFICATE_METRICS,
  DIRECTOR_METRICS,
  LISTENER_METRICS,
  SERVER_METRICS,
} from "#model/records/metric-catalog.ts";
import { HTTP_OUTCOME_NAMES, HTTP_RULE_NAMES } from "#model/records/http-outcome.ts";
import {
  CONNECTION_OUTCOME_NAMES,
  CERTIFICATE_FAILURE_NAMES,
  CHECK_FAILURE_NAMES,
  HANDSHAKE_FAILURE_NAMES,
  OVER_LIMITS,
} from "#model/records/outcome.ts";
import { projectFolder } from "#harness/tlsd.ts";
import { describedProgram } from "#harness/described-program.ts";
import { commandsOf, pathOf } from "./docs/cli-page.ts";
import { documentKeys } from "./docs/document-page.ts";
import { mentionedCommands, mentionedMetrics } from "./docs/mentions.ts";
import { referencePages } from "./docs/reference-pages.ts";

const read = (path: string): string => readFileSync(join(projectFolder, path), "utf8");
const metricNames = [
  ...LISTENER_METRICS,
  ...SERVER_METRICS,
  ...CERTIFICATE_METRICS,
  ...DIRECTOR_METRICS,
].map<string>(({ name }) => name);

const pages = await referencePages();

describe("the reference", () => {
  for (const [path, text] of Object.entries(pages)) {
    it(`${path} is what the source says; if not, run \`npm run docs\``, () => {
      assert.ok(existsSync(join(projectFolder, path)), `${path} is missing`);
      assert.equal(read(path), text);
    });
  }

  it("names every failure and outcome", () => {
    const page = read("docs/reference/failures.md");
    const codes = [
      ...Object.keys(FAILURES),
      ...HANDSHAKE_FAILURE_NAMES,
      ...CERTIFICATE_FAILURE_NAMES,
      ...CHECK_FAILURE_NAMES,
      ...CONNECTION_OUTCOME_NAMES,
      ...HTTP_OUTCOME_NAMES,
      ...HTTP_RULE_NAMES,
      ...OVER_LIMITS,
    ];
    assert.deepEqual(
      codes.filter((code) => !page.includes(`\`${code}\``)),
      [],
    );
  });

  it("names every metric", () => {
    assert.deepEqual(mentionedMetrics(read("docs/reference/metrics.md")), metricNames);
  });

  it("names every command and option", () => {
    const page = read("docs/reference/cli.md");
    const commands = commandsOf(describedProgram());
    assert.ok(commands.length > 8);
    for (const command of commands) {
      const start = page.indexOf(`## ${pathOf(command)}\n`);
      assert.notEqual(start, -1, pathOf(command));
      const section = page.slice(start, page.indexOf("\n## ", start + 1));
      for (const { long } of command.options) {
        assert.ok(section.includes(long ?? ""), `${pathOf(command)} ${long}`);
      }
      assert.match(section, /^Examples?:$/m, pathOf(command));
    }
  });

  it("describes every key of the document", () => {
    const page = read("docs/reference/document.md");
    const keys = documentKeys();
    assert.ok(keys.some((pair) => pair.join(".").endsWith(".listeners[].timeouts.handshake")));
    for (const [path, key] of keys) {
      const start = page.indexOf(path === "" ? "## Top level\n" : `## \`${path}\`\n`);
      assert.notEqual(start, -1, path);
      const section = page.slice(start, page.indexOf("\n## ", start));
      const row = section.split("\n").find((line) => line.startsWith(`| \`${key}\` |`));
      assert.match(row ?? "", /\| \S[^|]* \|$/, `${path}.${key} has no description`);
    }
  });
});

describe("what people read", () => {
  const ownPages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].filter((path) =>
    existsSync(join(projectFolder, path)),
  );
  const docs = readdirSync(join(projectFolder, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path));

  for (const path of [...ownPages, ...docs]) {
    it(`${path} names only commands, options and metrics that there are`, () => {
      const text = read(path);
      assert.deepEqual(mentionedCommands(text).flatMap(wrongWords), []);
      assert.deepEqual(
        mentionedMetrics(text).filter((name) => !metricNames.includes(name)),
        [],
      );
    });
  }
});

/** What of a command line the program does not know. */
function wrongWords(words: readonly string[]): readonly string[] {
  let command: Command = describedProgram();
  const wrong: string[] = [];
  for (const word of words) {
    const inner = command.commands.find((one) => one.name() === word);
    if (inner !== undefined) command = inner;
    else if (word.startsWith("--")) {
      const flag = word.replace(/[=.,)].*$/, "");
      const isKnown = command.options.some(({ long }) => long === flag) || flag === "--help";
      if (!isKnown) wrong.push(`${pathOf(command)} ${flag}`);
    } else if (command.commands.length > 0) wrong.push(`${pathOf(command)} ${word}`);
  }
  return wrong;
}

describe("the check of what people read", () => {
  it("sees commands in blocks and spans, with and without a path", () => {
    const text =
      "Run `tlsd show vnics`:\n\n```sh\n$ src/tlsd.sh serve --config x | cat\nother tlsd\n```\n";
    assert.deepEqual(mentionedCommands(text), [
      ["serve", "--config", "x"],
      ["show", "vnics"],
    ]);
  });

  it("complains about commands and options that there are not", () => {
    assert.deepEqual(wrongWords(["show", "vnics", "shop", "--json"]), []);
    assert.deepEqual(wrongWords(["serve", "--demo"]), ["tlsd serve --demo"]);
    assert.deepEqual(wrongWords(["rename", "x"]), ["tlsd rename", "tlsd x"]);
  });

  it("sees metrics, of histograms without what they append", () => {
    assert.deepEqual(mentionedMetrics("`tlsd_a_total{x}` tlsd_b_seconds_bucket"), [
      "tlsd_a_total",
      "tlsd_b_seconds",
    ]);
  });
});
