import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { FAILURES } from "#model/failure-catalog.ts";
import { runToExit, type ProcessResult } from "#harness/child-process.ts";
import { tryOldNode } from "#harness/old-node.ts";
import { findProgram } from "#harness/packages.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { projectFolder } from "#harness/tlsd.ts";

const script = fileURLToPath(new URL("node.sh", import.meta.url));
/** What the script calls. */
const tools = ["sh", "uname", "od", "tr", "tail", "ls", "df", "sed", "kill"];
const packageName = `node-linux-${process.arch}`;
const isRoot = process.getuid?.() === 0;

interface Program {
  readonly folder: string;
  /** Where the Node that comes with the program belongs. */
  readonly node: string;
  /** Runs it with nothing on the PATH but what it calls and `alsoOnPath`, each an empty program unless it has a source. */
  run(
    args: readonly string[],
    alsoOnPath?: Readonly<Record<string, string>>,
  ): Promise<ProcessResult>;
}

/** A copy of the launcher, without any Node yet. */
async function makeProgram(): Promise<Program> {
  const folder = join(await makeTempFolder(), "my program");
  const node = join(folder, "node_modules", packageName, "bin/node");
  const bin = join(folder, "bin");
  for (const each of [dirname(node), bin, join(folder, "src")])
    await mkdir(each, { recursive: true });
  await copyFile(script, join(folder, "src/node.sh"));
  for (const tool of tools) await symlink(findProgram(tool) ?? "", join(bin, tool));
  return {
    folder,
    node,
    async run(args, alsoOnPath = {}) {
      for (const [name, source] of Object.entries(alsoOnPath)) {
        await writeFile(join(bin, name), source, { mode: 0o755 });
      }
      return runToExit("/bin/sh", [join(folder, "src/node.sh"), ...args], { env: { PATH: bin } });
    },
  };
}

/** A program whose own Node is a shell script. */
async function makeProgramWith(source: string): Promise<Program> {
  const program = await makeProgram();
  await writeFile(program.node, `#!/bin/sh\n${source}\n`, { mode: 0o755 });
  return program;
}

const saying = (text: string, code: number): string => `echo "${text}" >&2; exit ${code}`;
const missing = (library: string): string =>
  saying(
    `node: error while loading shared libraries: ${library}: cannot open shared object file: No such file or directory`,
    127,
  );
const emptyProgram = "#!/bin/sh\n";

describe("a Node that does not start is explained, with what to do:", { concurrency: 2 }, () => {
  /** What is wrong with it, what the shell script does in its place, what is on the PATH, and what is said. */
  const cases: readonly (readonly [
    name: string,
    source: string,
    onPath: readonly string[],
    reason: RegExp,
    hint: RegExp,
  ])[] = [
    [
      "a library is missing on Debian",
      missing("libatomic.so.1"),
      ["apt-get"],
      /The library libatomic\.so\.1 is missing\.$/,
      /^Install it: `apt-get install libatomic1`\.$/,
    ],
    [
      "a library is missing on Fedora",
      missing("libatomic.so.1"),
      ["dnf"],
      /libatomic\.so\.1 is missing/,
      /`dnf install libatomic`/,
    ],
    [
      "a library is missing on an unknown system",
      missing("libatomic.so.1"),
      [],
      /libatomic\.so\.1 is missing/,
      /`apt-get install libatomic1` on Debian and Ubuntu, `dnf install libatomic` on Fedora/,
    ],
    [
      "another library is missing",
      missing("libstdc++.so.6"),
      ["apt-get"],
      /The library libstdc\+\+\.so\.6 is missing/,
      /`apt-get install libstdc\+\+6`/,
    ],
    [
      "a library nobody foresaw is missing",
      missing("libfuture.so.9"),
      ["apt-get"],
      /The library libfuture\.so\.9 is missing/,
      /package of this system that has libfuture\.so\.9/,
    ],
    [
      "glibc is too old",
      saying(
        "node: /lib/libc.so.6: version `GLIBC_2.99' not found (required by node)".replace(
          "`",
          "\\`",
        ),
        1,
      ),
      [],
      /too old: it lacks GLIBC_2\.99/,
      /newer system/,
    ],
    [
      "the C library is musl",
      saying("Error relocating node: __libc_single_threaded: symbol not found", 127),
      ["apk"],
      /built for glibc, and this system has another C library/,
      /`apk add nodejs-current`/,
    ],
    [
      "the processor is too old",
      "kill -ILL $$",
      [],
      /processor lacks instructions/,
      /Install Node 26 by other means/,
    ],
    ["it crashes", "kill -SEGV $$", [], /ended by signal 11\./, /Install Node 26/],
    [
      "it ends with an error",
      saying("first\nout of everything", 3),
      [],
      /ended with exit code 3\. Its last line: out of everything$/,
      /Install Node 26/,
    ],
    ["it is no Node", "echo hello", [], /answers 'hello'/, /Install Node 26/],
  ];
  for (const [name, source, onPath, reason, hint] of cases) {
    it(name, async () => {
      const program = await makeProgramWith(source);
      const others = Object.fromEntries(onPath.map((each) => [each, emptyProgram]));
      const { code, stdout, stderr } = await program.run(["x"], others);
      assert.deepEqual([code, stdout], [1, ""]);
      const [first = "", second = "", ...rest] = stderr.split("\n");
      assert.deepEqual(rest, [""]);
      const { text } = FAILURES["runtime-broken"];
      assert.ok(
        first.startsWith(`tlsd: runtime-broken: ${text.slice(0, -1)}: ${program.node}. `),
        first,
      );
      assert.match(first, reason);
      assert.match(second.trim(), hint);
    });
  }

  it("the loader's own words are understood", async () => {
    const program = await makeProgram();
    const original = await readFile(join(projectFolder, "node_modules", packageName, "bin/node"));
    const at = original.indexOf("libatomic.so.1\0");
    assert.ok(at > 0, "Node no longer needs libatomic: the guide says so, too");
    original.write("libatomiX.so.1", at);
    await writeFile(program.node, original, { mode: 0o755 });
    const { stderr } = await program.run(["--version"]);
    assert.match(stderr, /The library libatomiX\.so\.1 is missing\.\n/);
  });

  it("it is built for another processor, and is not run as a script", async () => {
    const program = await makeProgram();
    const binary = await readFile(findProgram("uname") ?? "");
    binary.writeUInt16LE(8, 18);
    await writeFile(program.node, binary, { mode: 0o755 });
    const { code, stderr } = await program.run(["--version"]);
    assert.equal(code, 1);
    assert.match(stderr, /built for another processor than this one .*\n {2}Remove node_modules/);
  });

  it("its loader is missing, as on a system with musl", async () => {
    const program = await makeProgram();
    const binary = await readFile(findProgram("uname") ?? "");
    const at = binary.indexOf("/ld-linux");
    assert.ok(at > 0);
    binary.write("/ld-other", at);
    await writeFile(program.node, binary, { mode: 0o755 });
    const { stderr } = await program.run(["--version"]);
    assert.match(stderr, /built for glibc, and this system has another C library/);
  });

  it("it has no permission to be executed", async () => {
    const program = await makeProgramWith("exit 0");
    await chmod(program.node, 0o644);
    const { stderr } = await program.run(["--version"]);
    assert.match(stderr, /no permission to be executed\.\n {2}Give it: `chmod \+x '.*'`/);
  });

  it(
    "its file system is mounted noexec",
    { skip: isRoot ? false : "only root can mount" },
    async () => {
      const program = await makeProgramWith("exit 0");
      const bin = dirname(program.node);
      const mount = `mount -t tmpfs -o noexec,mode=755 tmpfs "$1" && printf '#!/bin/sh\\n' >"$1/node" && chmod 755 "$1/node"`;
      const { stderr } = await runToExit("unshare", [
        ...["--mount", "sh", "-c", `${mount} && PATH=$3 exec /bin/sh "$2" --version`],
        ...["sh", bin, join(program.folder, "src/node.sh"), join(program.folder, "bin")],
      ]);
      assert.match(stderr, /mounted noexec\.\n {2}Remount it: `mount -o remount,exec /);
      assert.ok(stderr.includes(`remount,exec ${bin}\``), stderr);
    },
  );
});

describe("the Node that runs the program", { concurrency: 2 }, () => {
  it("is the one on the PATH if the program's own does not start and that one is new enough", async () => {
    const program = await makeProgramWith(missing("libatomic.so.1"));
    const node = `#!/bin/sh\n[ "$1" = --version ] && echo v26.1.0 || echo "ran $*"\n`;
    const { code, stdout, stderr } = await program.run(["main.ts", "a b"], { node });
    assert.deepEqual([code, stdout, stderr], [0, "ran main.ts a b\n", ""]);
  });

  it("is no older one, which is named if the program's own is not installed", async () => {
    const program = await makeProgram();
    const { code, stderr } = await program.run(["x"], { node: "#!/bin/sh\necho v20.20.2\n" });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^tlsd: old-runtime: This needs Node 26, and \/.*\/bin\/node is 20\.20\.2\. /,
    );
    assert.match(
      stderr,
      /The Node that comes with the program is not installed\.\n {2}Run `npm ci`/,
    );
  });

  it("is told in JSON why it does not start", async () => {
    const program = await makeProgramWith(saying('a \\"quote\\" and a \\\\\\\\ backslash', 3));
    const { code, stdout, stderr } = await program.run(["main.ts", "show", "status", "--json"]);
    assert.deepEqual([code, stderr], [1, ""]);
    const failure = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual(Object.keys(failure), ["code", "message", "hint"]);
    assert.equal(failure["code"], "runtime-broken");
    assert.match(failure["message"] ?? "", /a "quote" and a \\ backslash$/);
  });

  it("gets the arguments and the environment as they are", async () => {
    const program = await makeProgramWith(
      `[ "$1" = --version ] && echo v26.0.0 && exit; for each; do echo "[$each]"; done; echo "\${LC_ALL-unset}"`,
    );
    const { stdout } = await program.run(["a b", "", "*", "--json"]);
    assert.equal(stdout, "[a b]\n[]\n[*]\n[--json]\nunset\n");
  });
});

const oldNode = tryOldNode();
const npm = findProgram("npm") ?? "";

it(
  "`npm start` and `npm test` say why the program's Node does not start",
  {
    skip: npm === "" || oldNode === undefined ? "there is no npm with an older Node" : false,
  },
  async () => {
    const { folder, node } = await makeProgramWith(missing("libatomic.so.1"));
    await copyFile(join(projectFolder, "package.json"), join(folder, "package.json"));
    await copyFile(join(projectFolder, "src/tlsd.sh"), join(folder, "src/tlsd.sh"));
    await mkdir(join(folder, "node_modules/.bin"));
    await symlink(node, join(folder, "node_modules/.bin/node"));
    const path = [dirname(oldNode ?? ""), dirname(npm), "/usr/bin", "/bin"].join(":");
    for (const command of ["start", "test"]) {
      const { code, stderr } = await runToExit(npm, [command], {
        cwd: folder,
        env: { PATH: path },
      });
      assert.equal(code, 1);
      assert.match(stderr, /^tlsd: runtime-broken: .*The library libatomic\.so\.1 is missing\./m);
      assert.doesNotMatch(stderr, /error while loading/);
    }
  },
);
