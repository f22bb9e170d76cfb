import assert from "node:assert/strict";
import { chown, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runToExit } from "#harness/child-process.ts";
import { inShell, printedCommands, startDemo } from "#harness/demo.ts";
import { installProgram, packProgram, userEnvironment } from "#harness/installed-program.ts";
import { findProgram, requirePackage } from "#harness/packages.ts";
import { commandLineOf, workersBelow } from "#harness/process-facts.ts";
import { withoutComments } from "#harness/source-imports.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { projectFolder } from "#harness/tlsd.ts";

const testDeadlineMs = 480_000;
/** A user that Linux distributions bring along, and that owns nothing. */
const daemon = { uid: 1, gid: 1 };
const isRoot = process.getuid?.() === 0;
/** Makes root an ordinary user without permission to write where the program is installed. */
const asUser = isRoot
  ? ["setpriv", `--reuid=${daemon.uid}`, `--regid=${daemon.gid}`, "--clear-groups", "--"]
  : [];

const filesBelow = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true })).toSorted();

test("the package", { timeout: testDeadlineMs }, async (t) => {
  if (findProgram("npm") === undefined) return t.skip("there is no npm");
  if (!(await requirePackage(t, "curl"))) return;
  const folder = await makeTempFolder();
  const prefix = join(folder, "my prefix");
  const program = join(prefix, "lib/node_modules/tls-director");
  const home = join(folder, "home");
  await mkdir(prefix);
  await mkdir(home);
  if (isRoot) await chown(home, daemon.uid, daemon.gid);
  const env = userEnvironment();

  const slow = { timeout: testDeadlineMs };
  await t.test("is packed and installs without a word that nobody needs", slow, async () => {
    const { code, stdout, stderr } = await installProgram(await packProgram(folder), prefix);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^\nadded \d+ packages in \S+\n$/);
  });

  await t.test("holds what runs and no tests", async () => {
    const own = (await filesBelow(program)).filter((path) => !path.startsWith("node_modules"));
    assert.deepEqual(
      own.filter((path) => /\.test\.|\.ts$|^test\b|^bench\b|^\.|\.tgz$|harness/.test(path)),
      [],
    );
    const scripts = own.filter((path) => path.startsWith("dist/") && path.endsWith(".js"));
    assert.ok(scripts.includes("dist/main.js") && scripts.includes("dist/dataplane/main.js"));
    // Node takes about a millisecond to find, open and link each module.
    assert.ok(scripts.length < 200, `${scripts.length} scripts`);
    for (const script of scripts) {
      const text = await readFile(join(program, script), "utf8");
      assert.ok(!text.includes(projectFolder), `${script} names the folder in which it was made.`);
    }
  });

  await t.test("brings the versions that were tested", async () => {
    const manifests = (await filesBelow(join(program, "node_modules"))).filter((path) =>
      /(?:^|node_modules\/)(?:@[^/]+\/)?[^/]+\/package\.json$/.test(path),
    );
    assert.ok(manifests.length > 50);
    const versionIn = async (root: string, path: string): Promise<unknown> => {
      const text = await readFile(join(root, "node_modules", path), "utf8");
      return (JSON.parse(text) as Record<string, unknown>)["version"];
    };
    for (const path of manifests) {
      assert.equal(await versionIn(program, path), await versionIn(projectFolder, path), path);
    }
    const manifest = await readFile(join(program, "package.json"), "utf8");
    const { dependencies, bundleDependencies } = JSON.parse(manifest) as Record<string, object>;
    assert.deepEqual(Object.values(bundleDependencies ?? {}), Object.keys(dependencies ?? {}));
  });

  const before = await filesBelow(prefix);

  await t.test("runs by its name, whichever Node is on the PATH", async () => {
    const tlsd = join(prefix, "bin/tlsd");
    const paths = [env.PATH, "/usr/bin:/bin", `${join(projectFolder, "node_modules/.bin")}:/bin`];
    for (const path of paths) {
      const { code, stdout, stderr } = await runToExit(tlsd, ["--version"], {
        cwd: "/",
        env: { PATH: path },
      });
      assert.deepEqual([code, stderr], [0, ""], path);
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
    }
    const { code, stderr } = await runToExit(tlsd, ["check", join(program, "director.yaml")]);
    assert.equal(code, 1);
    assert.match(stderr, /certificates\.shop/);
  });

  for (const engine of ["bun", "node"] as const) {
    await t.test(`serves the demo to an ordinary user on ${engine}`, async (demoTest) => {
      const isOnPath = engine === "bun";
      const path = isOnPath ? `${join(prefix, "bin")}:${env.PATH}` : env.PATH;
      const options = { cwd: "/", env: { ...env, HOME: home, PATH: path } };
      const called = isOnPath ? "tlsd" : join(prefix, "bin/tlsd");
      const command = [...asUser, called, "demo", "--engine", engine];
      const demo = await startDemo(demoTest, command, options);
      if (demo === undefined) return;
      const banner = demo.output();
      assert.ok(banner.includes(`Admin socket: ${home}/.local/share/tlsd-demo/data/tlsd.sock\n`));
      assert.match(banner, new RegExp(`"event":"worker-ready".*"runtime":"${engine} `));
      const workers = workersBelow(demo.pid).map(({ pid }) => commandLineOf(pid));
      assert.ok(workers.length > 0);
      for (const line of workers) {
        assert.ok(line.includes(`\0${program}/dist/dataplane/main.js\0`), line);
      }
      const curls = printedCommands(banner, "curl");
      assert.equal(curls.length, 3);
      // The banner tells the user to go to the folder of the document first.
      const there = { ...options, cwd: join(home, ".local/share/tlsd-demo") };
      assert.deepEqual(printedCommands(banner, "cd"), [`cd ${there.cwd}`]);
      for (const curl of curls) {
        assert.match((await inShell(curl, there)).stdout, /^Hello from (shop|pay) on web-/);
      }
      const printed = printedCommands(banner, isOnPath ? "tlsd" : `'${program}/src/tlsd.sh'`);
      assert.equal(printed.length, 2);
      const [vnics] = await Promise.all(printed.map((each) => inShell(each, there)));
      assert.match(vnics?.stdout ?? "", /^front\.shop +up\/up +127\.0\.1\.10 /m);
      demo.child.kill("SIGINT");
      const { code, stdout } = await demo.exited;
      assert.match(stdout, /"event":"stopped","cut":0/);
      assert.equal(code, 0);
    });
  }

  await t.test("writes nothing where it is installed", async () => {
    assert.deepEqual(await filesBelow(prefix), before);
  });
});

test("no text of the program or of its guides makes npx ask a registry", async () => {
  const texts = ["README.md", "certs/README.md", "package.json", "director.yaml"];
  for (const folder of ["src", "docs", "deploy"]) {
    const paths = await filesBelow(join(projectFolder, folder));
    texts.push(
      ...paths
        .filter((path) => /\.(?:md|ts|mjs|sh|service|conf)$|Containerfile$/.test(path))
        .map((path) => join(folder, path)),
    );
  }
  assert.ok(texts.length > 200);
  const asking = /\bnpx |\bnpm exec (?!--no\b)|\bbunx\b|\bpnpm dlx\b/;
  for (const path of texts) {
    const text = await readFile(join(projectFolder, path), "utf8");
    assert.doesNotMatch(path.endsWith(".ts") ? withoutComments(text) : text, asking, path);
  }
});
