import assert from "node:assert/strict";
import { test } from "node:test";
import { DirectorError } from "#model/failure.ts";
import { buildLog, loadPrettify, type Logger, type Prettify } from "./log.ts";

const pretty = await loadPrettify();

function linesOf(prettify?: Prettify): { lines: string[]; log: Logger } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: buildLog({ level: "info", prettify, destination }).logger };
}

test("a line is JSON with an ISO time, a level in words and the event", () => {
  const { lines, log } = linesOf();
  log.info({ event: "ready", workers: 2 }, "The director is ready.");
  log.debug("not at this level");
  assert.equal(lines.length, 1);
  const { time, ...rest } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, {
    level: "info",
    event: "ready",
    workers: 2,
    msg: "The director is ready.",
  });
});

test("a failure is logged with its code and its cause", () => {
  const { lines, log } = linesOf();
  const cause = new Error("EACCES");
  log.error({ err: new DirectorError("data-unusable", "data/", { cause }) }, "cannot start");
  const { err } = JSON.parse(lines[0] ?? "") as { err: Record<string, unknown> };
  assert.equal(err["code"], "data-unusable");
  assert.match(String(err["message"]), /The data folder cannot be used\. data\/: EACCES/);
});

test("keys and passphrases that are logged by mistake do not show", () => {
  for (const prettify of [undefined, pretty]) {
    const { lines, log } = linesOf(prettify);
    const material = { kind: "certificate", chainPem: "chain", keyPem: "SECRET" };
    log.info({ keyPem: "SECRET", material, a: { material }, options: { key: "SECRET" } }, "m");
    log.info({ passphrase: "SECRET", source: { passphrase: "SECRET" } }, "m");
    assert.equal(lines.length, 2);
    assert.doesNotMatch(lines.join(""), /SECRET/);
  }
});

test("a line for a terminal is text without JSON around it", () => {
  const { lines, log } = linesOf(pretty);
  log.warn({ event: "certificate-refused", certificate: "shop" }, "The new files are refused.");
  // eslint-disable-next-line no-control-regex -- colours
  const plain = lines.join("").replaceAll(/\u001b\[\d+m/g, "");
  assert.match(
    plain,
    /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: The new files are refused\. \{"certificate":"shop"\}\n$/,
  );
});

const accessLines =
  '{"level":"info","time":"2026-01-01T00:00:00.000Z","event":"exchange","msg":"é"}\n';
const combinedLine = '::1 - - [01/Jan/1970:00:00:00 +0000] "-" - - "-" "-"\n';

test("access lines are written between other lines as they are, if the level includes them", () => {
  for (const [level, isWritten] of [
    ["info", true],
    ["warn", false],
  ] as const) {
    const written: string[] = [];
    const destination = { write: (line: string) => void written.push(line) };
    const { writeLines } = buildLog({ level, destination });
    assert.equal(writeLines(Buffer.from(accessLines + combinedLine), 2), true);
    assert.deepEqual(written, isWritten ? [accessLines + combinedLine] : []);
  }
});

test("access lines for a terminal are text, but for those of the combined format", () => {
  const written: string[] = [];
  const destination = { write: (line: string) => void written.push(line) };
  const { writeLines } = buildLog({ level: "info", prettify: pretty, destination });
  writeLines(Buffer.from(accessLines + combinedLine + accessLines), 3);
  // eslint-disable-next-line no-control-regex -- colours
  const plain = written.join("").replaceAll(/\u001b\[\d+m|\\u001b\[\d+m/g, "");
  const lines = plain.split("\n");
  assert.match(lines[0] ?? "", /INFO: é$/);
  assert.equal(`${lines[1]}\n`, combinedLine);
  assert.match(lines[2] ?? "", /INFO: é$/);
});
