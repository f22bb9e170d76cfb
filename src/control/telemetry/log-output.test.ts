import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runToExit } from "#harness/child-process.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";

/**
 * Runs `script`. Its standard output goes to the shell command `reader` through a pipe, or to the file `output`. Resolves to what the script and
 * the reader print on standard error.
 * The file `$2` exists once `script` has ended.
 */
async function printInto(reader: string, script: string, output?: string): Promise<string> {
  const log = JSON.stringify(new URL("log.ts", import.meta.url).href);
  const prelude = `const { buildLog } = await import(${log});
    const { logger: log, watch, writeLines, droppedLines } = buildLog({ level: "info" });
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;
  const redirect = output === undefined ? "" : `>${output}`;
  const shell = `{ "$0" --input-type=module -e "$1" ${redirect}; echo "exit code $?" >&2; : >"$2"; } | { ${reader}; }`;
  const over = join(await makeTempFolder(), "over");
  const result = await runToExit("sh", ["-c", shell, process.execPath, prelude + script, over]);
  return result.stderr;
}

test("every line arrives before the process ends by itself", async () => {
  const printed = await printInto(
    `grep -c '"event":"tick"' >&2`,
    `for (let i = 0; i < 20_000; i += 1) log.info({ event: "tick", i }, "line"); process.exitCode = 3;`,
  );
  assert.match(printed, /exit code 3/);
  assert.match(printed, /^20000$/m);
});

test("a reader that stops reading holds up neither the process nor its exit", async () => {
  const printed = await printInto(
    'for i in $(seq 300); do [ -e "$2" ] && break; sleep 0.1; done; echo reader done >&2',
    `const t = performance.now();
     for (let i = 0; i < 20_000; i += 1) log.info({ event: "tick", i }, "line");
     console.error(performance.now() - t < 10_000 ? "logged at once" : "waited");
     process.exit(0);`,
  );
  assert.match(printed, /logged at once\nexit code 0\nreader done/);
});

test("what did not fit is told once the reader reads again", async () => {
  const printed = await printInto(
    `sleep 1; grep -o '"log-lines-dropped","count":[1-9]' >&2`,
    `const long = "x".repeat(100_000);
     for (let i = 0; i < 400; i += 1) log.info({ event: "tick", long }, "line");
     await wait(2_500);`,
  );
  assert.match(printed, /log-lines-dropped/);
});

test("a disk without room is told again and again, but a slow reader is not", async () => {
  const script = `watch({ onTrouble: (detail) => console.error("trouble: " + detail), onSound: () => console.error("sound") });
     for (let i = 0; i < 1_000; i += 1) log.info({ event: "tick", long: "x".repeat(1_000) }, "line");
     await wait(300);
     process.exit(0);`;
  const full = await printInto("cat >/dev/null", script, "/dev/full");
  assert.ok(full.split(/trouble: .*ENOSPC/).length > 3, full);
  assert.match(full, /exit code 0/);
  assert.doesNotMatch(full, /sound/);
  assert.doesNotMatch(await printInto("sleep 0.2; cat >/dev/null", script), /trouble|sound/);
});

test("a reader that is gone ends the log and not the process", async () => {
  const printed = await printInto(
    "true",
    `await wait(300);
     for (let i = 0; i < 10_000; i += 1) log.info({ event: "tick", i }, "line");
     await wait(50);
     log.info("one more");
     console.error("dropped", droppedLines() > 9_000);
     process.exit(0);`,
  );
  assert.match(printed, /dropped true/);
  assert.match(printed, /exit code 0/);
});

test("access lines arrive whole and in their order although their buffer is used again, and lost ones are counted", async () => {
  const printed = await printInto(
    `sleep 1; node -e '
       const lines = require("fs").readFileSync(0, "utf8").split("\\n").filter((line) => line.startsWith("line "));
       const numbers = lines.map((line) => Number(line.slice(5, 13)));
       const isSound = lines.every((line) => line.length === 99) && numbers.every((one, at) => at === 0 || one > numbers[at - 1]);
       console.error("sound", isSound, "lines", lines.length)' >&2`,
    `const buffer = Buffer.alloc(100 * 100);
     let lost = 0;
     for (let at = 0; at < 4_000; at += 1) {
       for (let i = 0; i < 100; i += 1) {
         buffer.write(("line " + String(at * 100 + i).padStart(8, "0")).padEnd(99, ".") + "\\n", 100 * i);
       }
       if (!writeLines(buffer, 100)) lost += 100;
     }
     console.error("kept", 400_000 - lost, lost > 0);
     await wait(2_500);`,
  );
  const kept = /kept (\d+) true/.exec(printed)?.[1];
  assert.ok(kept !== undefined, printed);
  assert.match(printed, new RegExp(`sound true lines ${kept}`));
});
