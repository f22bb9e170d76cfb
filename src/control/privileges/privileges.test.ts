import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { becomeControlUser } from "./become-control-user.ts";
import { confineWorkers } from "./confine-workers.ts";
import { planControlUser } from "./plan-control-user.ts";
import { trySystemUser, type SystemUser } from "./system-user.ts";

const asRoot = { skip: process.getuid?.() === 0 ? false : "not root" };

/** What /proc/self/status says of the privileges of a program that `prefix` starts. */
function privilegesOf(prefix: readonly string[]): Readonly<Record<string, string | undefined>> {
  const [command, ...args] = [...prefix, "cat", "/proc/self/status"];
  const { stdout } = spawnSync(command, args, { encoding: "utf8" });
  const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(stdout)?.[1];
  return { uid: field("Uid"), effective: field("CapEff"), noNewPrivileges: field("NoNewPrivs") };
}

async function makeProgramFile(mode: number): Promise<string> {
  const file = join(await makeTempFolder(), "main.ts");
  writeFileSync(file, "");
  chmodSync(file, mode);
  return file;
}

describe("as root", asRoot, () => {
  test("a worker is another user who may bind privileged ports and nothing else", async () => {
    const { prefix, notice } = confineWorkers("nobody", [await makeProgramFile(0o644)]);
    assert.equal(notice, undefined);
    assert.deepEqual(privilegesOf(prefix), {
      uid: String(trySystemUser("nobody")?.uid),
      effective: "0000000000000400",
      noNewPrivileges: "1",
    });
  });

  test("a program that the worker's user cannot read leaves no boundary, and that is said", async () => {
    const file = await makeProgramFile(0o600);
    const { prefix, notice } = confineWorkers("nobody", [file]);
    assert.equal(notice?.event, "no-privilege-boundary");
    assert.ok(notice?.text.includes(`${file} is not readable`));
    assert.equal(privilegesOf(prefix)["noNewPrivileges"], "1");
  });

  test("where the worker's user does not exist a worker is nobody, and that is said", () => {
    const { prefix, user, notice } = confineWorkers("no-such-user", []);
    assert.deepEqual([notice?.event, user?.name], ["worker-user-missing", "nobody"]);
    assert.match(notice?.text ?? "", /no user no-such-user .*useradd/);
    assert.equal(privilegesOf(prefix)["uid"], String(trySystemUser("nobody")?.uid));
  });

  test("a worker's user that is the control process's leaves no boundary, and that is said", () => {
    const { notice } = confineWorkers("root", []);
    assert.equal(notice?.event, "no-privilege-boundary");
    assert.match(notice?.text ?? "", /director\.workerUser is root/);
  });

  test("a control process whose user does not exist stays root, and that is said", () => {
    const plan = planControlUser("no-such-user", []);
    assert.match(plan.kind === "stay" ? plan.notice.text : "", /useradd --system/);
  });

  test("a control process whose user is root stays root, and does not start over without end", () => {
    for (const name of ["root", "0"]) {
      const plan = planControlUser(name, []);
      assert.match(plan.kind === "stay" ? plan.notice.text : "", /is root/);
    }
  });

  test("the control process starts over as its user, with what it takes to start workers", async () => {
    const folders: string[] = [];
    const commands: string[][] = [];
    const self = {
      execPath: "/bin/node",
      execArgv: ["--flag"],
      argv: ["/bin/node", "main.ts"],
      env: {},
      pid: process.pid,
    };
    const execve = (file: string, args: string[]) => commands.push([file, ...args]);
    const files = { read: [], pass: [], handOver: ({ name }: SystemUser) => folders.push(name) };
    assert.throws(() => becomeControlUser("nobody", files, { ...self, execve }), /returned/);
    assert.deepEqual(folders, ["nobody"]);
    const [[file = "", , ...args] = []] = commands;
    assert.deepEqual(args.slice(-3), ["/bin/node", "--flag", "main.ts"]);
    assert.deepEqual(privilegesOf([file, ...args.slice(0, -3)]), {
      uid: String(trySystemUser("nobody")?.uid),
      effective: "00000000000005e0",
      noNewPrivileges: "1",
    });
  });
});

test(
  "who cannot become another user says that there is no boundary",
  {
    skip: process.getuid?.() === 0 ? "root" : false,
  },
  () => {
    assert.equal(confineWorkers("nobody", []).notice?.event, "no-privilege-boundary");
  },
);
