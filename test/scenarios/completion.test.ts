import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { runToExit } from "#harness/child-process.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { requirePackage } from "#harness/packages.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { ownProgram, runTlsd } from "#harness/tlsd.ts";

const shellDeadlineMs = 60_000;

// The control process answers, whatever the engine of its workers.
describe("completion", () => {
  let shop: Shop<"web">;
  let bin: string;

  before(async () => {
    const echo = await startEchoEndpoint();
    shop = await startShop({ engine: "node", listeners: { web: { to: echo.port } } });
    bin = await makeTempFolder();
    const main = ownProgram;
    const text = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
    await writeFiles(bin, { tlsd: text, "notes.yaml": "" });
    await runToExit("chmod", ["755", join(bin, "tlsd")]);
  });

  async function inShell(shell: string, ...script: readonly string[]): Promise<readonly string[]> {
    const { socketPath } = shop.director;
    const env = { PATH: `${bin}:${process.env["PATH"] ?? ""}`, TLSD_SOCKET: socketPath };
    const options = { env, cwd: bin, deadlineMs: shellDeadlineMs };
    // The input of a child is a socket, so bash would read ~/.bashrc.
    const flags = shell === "bash" ? ["--norc", "-c"] : ["-c"];
    const { stdout, stderr } = await runToExit(shell, [...flags, script.join("\n")], options);
    assert.equal(stderr, "");
    return stdout.split("\n").filter((line) => line !== "");
  }

  it("works in bash, with names of the running director", async () => {
    const lines = await inShell(
      "bash",
      "source <(tlsd completion bash); complete -p tlsd",
      'compopt() { echo "compopt $*"; }',
      'press_tab() { COMP_LINE=$1 COMP_POINT=${#1}; _tlsd tlsd; printf "%s\\n" "${COMPREPLY[@]}"; }',
      "press_tab 'tlsd show vn'",
      "press_tab 'tlsd show vnics '",
      "press_tab 'tlsd show listeners front.shop:'",
      "press_tab 'tlsd check no'",
      "press_tab 'tlsd set vnic fr'",
      "press_tab 'tlsd show connections --server w'",
      "press_tab 'tlsd wait vnic fr'",
      "press_tab 'tlsd set vnic front.shop qos.p'",
      "press_tab 'tlsd set listener front.shop:443 policy=mo'",
      "press_tab 'tlsd set profile shop servers+=w'",
      "press_tab 'tlsd set vnic front.shop u'",
    );
    const [registered, kind, vnic, port, files, ...named] = lines;
    assert.equal(registered, "complete -F _tlsd tlsd");
    assert.deepEqual([kind, vnic, files], ["vnics", "front.shop", "compopt -o default"]);
    assert.match(port ?? "", /^\d+$/);
    assert.deepEqual(named.slice(0, 3), ["front.shop", "web", "front.shop"]);
    // bash replaces only what is behind the `=`.
    const settings = ["compopt -o nospace", "qos.priority=", "modern", "web", "up"];
    assert.deepEqual(named.slice(3), settings);
  });

  it("works in zsh", async (t) => {
    if (!(await requirePackage(t, "zsh"))) return;
    const lines = await inShell(
      "zsh",
      'compdef() { echo "compdef $*"; }',
      '_describe() { print -rl -- "${(@P)2}"; }',
      "_files() { echo files; }",
      "source <(tlsd completion zsh)",
      "press_tab() { words=($@) CURRENT=$#; _tlsd; }",
      "press_tab tlsd show vn",
      "press_tab tlsd show listeners front",
      "press_tab tlsd check no",
      "press_tab tlsd set listener front.shop:443 'policy=mo'",
      "press_tab tlsd set vnic front.shop qos.p",
    );
    const [registered, kind, listener, files, value, setting] = lines;
    assert.deepEqual([registered, files], ["compdef _tlsd tlsd", "files"]);
    assert.equal(value, "policy=modern");
    assert.match(setting ?? "", /^qos\.priority=:/);
    assert.match(kind ?? "", /^vnics:vNICs with /);
    assert.match(listener ?? "", /^front\.shop\\:\d+$/);
  });

  it("works in fish", async (t) => {
    if (!(await requirePackage(t, "fish"))) return;
    const [kind, listener, files, value] = await inShell(
      "fish",
      "tlsd completion fish | source",
      "complete -C 'tlsd show vn'",
      "complete -C 'tlsd show listeners front'",
      "complete -C 'tlsd check no'",
      "complete -C 'tlsd set listener front.shop:443 policy=mo'",
    );
    assert.equal(value, "policy=modern");
    assert.match(kind ?? "", /^vnics\tvNICs with /);
    assert.match(listener ?? "", /^front\.shop:\d+$/);
    assert.match(files ?? "", /^notes\.yaml/);
  });

  it("says nothing where no director answers", async () => {
    const env = { TLSD_SOCKET: "/nowhere/tlsd.sock" };
    const { code, stdout, stderr } = await runTlsd(["complete", "--", "show", "vnics", ""], {
      env,
    });
    assert.deepEqual([code, stdout, stderr], [0, "", ""]);
  });
});
