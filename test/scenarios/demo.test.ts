import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { DirectorStatus } from "#model/records/status.ts";
import { eventually } from "#harness/deadline.ts";
import { inShell, printedCommands, startDemo } from "#harness/demo.ts";
import { tryOldNode } from "#harness/old-node.ts";
import { findProgram, requirePackage } from "#harness/packages.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { tlsConnect } from "#harness/tls-client.ts";
import { projectFolder } from "#harness/tlsd.ts";

const stopDeadlineMs = 30_000;

/** What a new user has after `git clone` and `npm ci`, in a folder whose name needs quotes. */
async function cloneProject(): Promise<string> {
  const clone = join(await makeTempFolder(), "my clone");
  await mkdir(join(clone, "certs"), { recursive: true });
  for (const path of ["src", "package.json", "director.yaml", "director.schema.json"]) {
    await cp(join(projectFolder, path), join(clone, path), { recursive: true });
  }
  await symlink(join(projectFolder, "node_modules"), join(clone, "node_modules"));
  return clone;
}

async function certificatesOf(clone: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(join(clone, "certs"))).toSorted((one, other) =>
    one.localeCompare(other),
  );
  const entries = names.map(
    async (name) => [name, await readFile(join(clone, "certs", name), "utf8")] as const,
  );
  return new Map(await Promise.all(entries));
}

test("the demo", async (t) => {
  if (findProgram("npm") === undefined) return t.skip("there is no npm");
  if (!(await requirePackage(t, "curl"))) return;
  const clone = await cloneProject();
  const demo = await startDemo(t, ["npm", "start"], { cwd: clone });
  if (demo === undefined) return;
  const banner = demo.output();

  await t.test("prints curl commands that work as they are, without -k", async () => {
    const commands = printedCommands(banner, "curl");
    assert.equal(commands.length, 3);
    for (const command of commands) {
      assert.doesNotMatch(command, / (-k|--insecure)\b/);
      const { code, stdout, stderr } = await inShell(command, { cwd: clone });
      assert.equal(code, 0, `${command}\n${stderr}`);
      assert.match(
        stdout,
        /^Hello from (shop on web-1|pay on web-2)\. The director terminated TLS/,
      );
    }
  });

  await t.test("prints tlsd commands that work as they are", async () => {
    const commands = printedCommands(banner, "src/tlsd.sh");
    assert.equal(commands.length, 2);
    const [vnics, handshakes] = await Promise.all(
      commands.map((command) => inShell(command, { cwd: clone })),
    );
    assert.match(vnics?.stdout ?? "", /^front\.shop +up\/up +127\.0\.1\.10 /m);
    assert.match(vnics?.stdout ?? "", /^front\.pay +up\/up +127\.0\.1\.11 /m);
    assert.equal(handshakes?.code, 0);
    assert.match(handshakes?.stdout ?? "", / front\.pay:8443 .* unsupported-version /);
    assert.match(handshakes?.stdout ?? "", /^ {2}unsupported-version: \S/m);
  });

  await t.test("says where to run them, and does not begin with warnings", () => {
    assert.deepEqual(printedCommands(banner, "cd"), [`cd '${clone}'`]);
    assert.doesNotMatch(banner, /"level":"(?:warn|error)"/);
  });

  await t.test("has its admin socket where it says, for its owner only", async () => {
    const [, socketPath = ""] = /^Admin socket: (.+)$/m.exec(banner) ?? [];
    assert.equal(socketPath, join(clone, "data/tlsd.sock"));
    const found = await stat(socketPath);
    assert.ok(found.isSocket());
    assert.equal(found.mode & 0o777, 0o600);
  });

  await t.test("keeps its keys to its owner", async () => {
    const names = [...(await certificatesOf(clone)).keys()];
    assert.equal(names.length, 5);
    for (const name of names) {
      const { mode } = await stat(join(clone, "certs", name));
      assert.equal(mode & 0o777, name.endsWith(".key") ? 0o600 : 0o644, name);
    }
  });

  await t.test("is served by what the README says, too", async () => {
    const readme = await readFile(join(projectFolder, "README.md"), "utf8");
    const [curl = ""] = printedCommands(readme, "curl");
    assert.match((await inShell(curl, { cwd: clone })).stdout, /^Hello from shop on web-1\./);
    const [, load = ""] = /^(NODE_EXTRA_CA_CERTS=.*autocannon .*)$/m.exec(readme) ?? [];
    const brief = load.replace("-d 10", "-a 100 --json");
    assert.notEqual(brief, load);
    const { code, stdout, stderr } = await inShell(brief, { cwd: clone });
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout) as Record<string, number>;
    assert.deepEqual([result["errors"], result["timeouts"], result["non2xx"]], [0, 0, 0]);
    assert.ok((result["2xx"] ?? 0) > 0);
  });

  await t.test("is found by name, lets connections end on SIGINT and exits 0", async () => {
    const status = await inShell("src/tlsd.sh show status --json", { cwd: clone });
    const { pid } = JSON.parse(status.stdout) as DirectorStatus;
    assert.equal(await readFile(`/proc/${pid}/comm`, "utf8"), "tlsd\n");
    const ca = await readFile(join(clone, "certs/demo-ca.pem"));
    const target = { host: "127.0.1.10", port: 8443, ca, servername: "shop.demo.test" };
    const client = await tlsConnect(target);
    await client.send("GET / HTTP/1.1\r\nhost: shop.demo.test\r\nconnection: close\r\n");
    process.kill(pid, "SIGINT");
    await eventually(() => demo.output().includes('"event":"draining"'), stopDeadlineMs);
    await client.send("\r\n");
    assert.match((await client.read.toEnd()).toString(), /Hello from shop/);
    client.end();
    const { code, stdout } = await demo.exited;
    assert.match(stdout, /"event":"stopped","cut":0/);
    assert.equal(code, 0);
  });

  await t.test(
    "uses its certificates again, under whichever Node it is started by",
    async (again) => {
      const before = await certificatesOf(clone);
      const node = tryOldNode() ?? process.execPath;
      const second = await startDemo(again, [node, "src/tlsd.mjs", "demo"], { cwd: clone });
      if (second === undefined) return;
      assert.deepEqual(await certificatesOf(clone), before);
      const [curl = ""] = printedCommands(second.output(), "curl");
      assert.match((await inShell(curl, { cwd: clone })).stdout, /^Hello from shop/);
      second.child.kill("SIGINT");
      const { code, stdout } = await second.exited;
      assert.match(stdout, /"event":"stopped","cut":0/);
      assert.equal(code, 0);
    },
  );
});
