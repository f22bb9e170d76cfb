import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { FAILURES } from "#model/failure-catalog.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { runTlsd } from "#harness/tlsd.ts";

test("every command has help with an example", async () => {
  const kinds = ["status", "workers", "vnics", "listeners", "certificates", "handshakes"];
  const commands = [
    [],
    ["serve"],
    ["demo"],
    ["check"],
    ["schema"],
    ["completion"],
    ["doctor"],
    ["reload"],
    ["wait"],
    ["help"],
    ["show"],
    ...kinds.map((kind) => ["show", kind]),
  ];
  const helps = await Promise.all(
    commands.map((command) => runTlsd([...command, "--help"], { deadlineMs: 60_000 })),
  );
  for (const [index, { code, stdout }] of helps.entries()) {
    const name = ["tlsd", ...(commands[index] ?? [])].join(" ");
    assert.equal(code, 0, name);
    assert.match(stdout, new RegExp(`^Usage: ${name} `), name);
    assert.match(stdout, new RegExp(`Examples?:\n  ${name}`), name);
  }
});

test("help and version have the usual names", async () => {
  const run = (...args: readonly string[]) => runTlsd(args, { deadlineMs: 60_000 });
  const [long, ...others] = await Promise.all([
    run("show", "vnics", "--help"),
    run("show", "vnics", "-h"),
    run("help", "show", "vnics"),
  ]);
  for (const other of others) assert.deepEqual(other, long);
  const [top, help, version, ...versions] = await Promise.all([
    ...[run("-h"), run("help"), run("--version"), run("-V"), run("-v")],
  ]);
  assert.deepEqual(help, top);
  for (const other of versions) assert.deepEqual(other, version);
});

test("a command that does not exist is named, with the one that was probably meant", async () => {
  const wrong = [["sevre"], ["show", "vnic"], ["help", "show", "vnic"], ["serve", "--workrs", "1"]];
  const meant = [/serve/, /vnics/, /vnics/, /--workers/];
  const runs = await Promise.all(wrong.map((args) => runTlsd(args, { deadlineMs: 60_000 })));
  for (const [index, { code, stderr }] of runs.entries()) {
    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`Did you mean \\W*${meant[index]?.source}`), stderr);
    assert.match(stderr, /--help/);
  }
});

test("wrong usage exits with 2 and prints a hint on standard error", async () => {
  const wrong = [
    [],
    ["show"],
    ["sevre"],
    ["show", "nothing"],
    ["show", "workers", "1", "2"],
    ["show", "status", "shop"],
    ["show", "handshakes", "--limit", "0"],
    ["show", "vnics", "--failed"],
    ["check"],
    ["wait", "for-it"],
    ["wait", "--timeout", "60"],
    ["wait", "--pid", "0"],
    ["reload", "now"],
    ["reload", "--timeout", "soon"],
    ["serve", "--workers", "0"],
    ["serve", "--engine", "deno"],
    ["serve", "--nothing"],
  ];
  const runs = await Promise.all(wrong.map((args) => runTlsd(args, { deadlineMs: 60_000 })));
  for (const [index, { code, stdout, stderr }] of runs.entries()) {
    const name = wrong[index]?.join(" ") ?? "";
    assert.equal(code, 2, name);
    assert.equal(stdout, "", name);
    assert.match(stderr, /Usage: tlsd|--help/, name);
  }
});

test("--version prints the version of the package", async () => {
  const { code, stdout } = await runTlsd(["--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test("check says that a document is valid, or prints all of its problems", async () => {
  const folder = await makeTempFolder();
  await writeFiles(folder, {
    "good.yaml": "servers: { web-1: { address: 127.0.0.1 } }\n",
    "bad.yaml":
      "servers: { web-1: { adress: 127.0.0.1 } }\nprofiles: { shop: { servers: [web-2] } }\n",
  });
  const good = await runTlsd(["check", join(folder, "good.yaml")]);
  assert.deepEqual([good.code, good.stderr], [0, ""]);
  assert.match(good.stdout, /good\.yaml: the document is valid\.\n$/);
  const bad = await runTlsd(["check", join(folder, "bad.yaml")]);
  assert.deepEqual([bad.code, bad.stdout], [1, ""]);
  assert.match(bad.stderr, /servers\.web-1\.adress/);
  assert.match(bad.stderr, /profiles\.shop\.servers\[0\]/);
});

test("check --json prints one object, with the failure if there is one", async () => {
  const folder = await makeTempFolder();
  await writeFiles(folder, { "good.yaml": "{}", "bad.yaml": "servers: 3" });
  const check = async (file: string): Promise<[number | null, Record<string, unknown>]> => {
    const { code, stdout } = await runTlsd(["check", join(folder, file), "--json"]);
    return [code, JSON.parse(stdout) as Record<string, unknown>];
  };
  assert.deepEqual(await check("good.yaml"), [0, { isValid: true, problems: [] }]);
  const [code, bad] = await check("bad.yaml");
  assert.equal(code, 1);
  assert.deepEqual(Object.keys(bad), ["isValid", "code", "message", "hint", "problems"]);
  assert.equal(bad["code"], "document-invalid");
  assert.equal(bad["hint"], FAILURES["document-invalid"].hint);
  const [missingCode, missing] = await check("none.yaml");
  assert.equal(missingCode, 1);
  const [problem] = missing["problems"] as Record<string, unknown>[];
  assert.equal(problem?.["code"], "document-unreadable");
  await writeFiles(folder, { "hostile.yaml": '"a\u202eb": 1\n' });
  const { stdout } = await runTlsd(["check", join(folder, "hostile.yaml"), "--json"]);
  assert.ok(stdout.includes("a\\u202eb") && !stdout.includes("\u202e"), stdout);
});

test("serve prints the problems of a bad document and exits with 1", async () => {
  const folder = await makeTempFolder();
  await writeFiles(folder, { "bad.yaml": "servers: { web-1: { adress: 127.0.0.1 } }" });
  const args = ["serve", "--config", join(folder, "bad.yaml"), "--data", join(folder, "data")];
  const text = await runTlsd(args);
  assert.deepEqual([text.code, text.stdout], [1, ""]);
  assert.match(text.stderr, /^tlsd: document-invalid: The document has problems\. .*bad\.yaml\n/);
  assert.match(text.stderr, /servers\.web-1\.adress/);
  const json = await runTlsd([...args, "--json"]);
  assert.equal(json.code, 1);
  const failure = JSON.parse(json.stdout) as { code: string; problems: readonly unknown[] };
  assert.equal(failure.code, "document-invalid");
  assert.ok(failure.problems.length >= 1);
});
