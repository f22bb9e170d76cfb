import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { passFiles, takePassedFiles } from "./pass-files.ts";

/** Reads the descriptors that the program is told of, as the user nobody, and starts a child that must not have them. */
const READ = `
  import { readFileSync, readdirSync } from "node:fs";
  import { spawnSync } from "node:child_process";
  const { files } = JSON.parse(process.env.TLSD_PASSED_FILES ?? '{"files":[]}');
  const texts = files.map(([path, fd]) => [path, readFileSync(fd, "utf8")]);
  const ls = spawnSync("ls", ["/proc/self/fd"], { encoding: "utf8" }).stdout.trim().split("\\n");
  const left = files.filter(([, fd]) => ls.includes(String(fd)));
  let reopened;
  try { readFileSync(files[0][0]); reopened = "yes"; } catch (error) { reopened = error.code; }
  console.log(JSON.stringify({ texts, left, reopened, uid: process.getuid() }));
`;

it(
  "passes regular files to a program whose user may not read them, and no others",
  { skip: process.getuid?.() !== 0 },
  async () => {
    const folder = await makeTempFolder();
    const [one, other] = [join(folder, "a 'b' $(id)"), join(folder, "other")];
    writeFileSync(one, "first", { mode: 0o600 });
    writeFileSync(other, "second", { mode: 0o600 });
    mkdirSync(join(folder, "folder"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const bad = ["folder", "pipe", "none"].map((name) => join(folder, name));
    const passed = passFiles([...bad, one, one, other], 1);
    const user = [
      "setpriv",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "--no-new-privs",
      "--",
    ];
    const program = [...user, process.execPath, "--input-type=module", "-e", READ];
    const args = ["-c", passed.script, "sh", ...passed.args, ...program];
    const { stdout, stderr } = spawnSync("/bin/sh", args, {
      encoding: "utf8",
      cwd: "/",
      env: { PATH: process.env["PATH"], ...passed.env },
    });
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), {
      ...{
        texts: [
          [one, "first"],
          [other, "second"],
        ],
        left: [],
        reopened: "EACCES",
        uid: 65_534,
      },
    });
  },
);

it("tells only the process that the files were passed to", () => {
  const files = [["/a", 9]];
  const told = (text: string | undefined) => {
    const env: Record<string, string | undefined> = { TLSD_PASSED_FILES: text, PATH: "p" };
    const taken = [...takePassedFiles(env, 7)];
    assert.deepEqual(env, { PATH: "p" });
    return taken;
  };
  assert.deepEqual(told(JSON.stringify({ pid: 7, files })), files);
  for (const text of [JSON.stringify({ pid: 8, files }), undefined, "", "{", "7", "null", "[]"]) {
    assert.deepEqual(told(text), [], `${text}`);
  }
});

it("starts a program as before if there is nothing to pass", () => {
  const { script, args, env } = passFiles(["/nonexistent"], 7);
  assert.deepEqual([args, env], [[], {}]);
  const shell = ["-c", script, "sh", ...args, "echo", "a b"];
  assert.equal(execFileSync("/bin/sh", shell, { encoding: "utf8" }), "a b\n");
});
