import assert from "node:assert/strict";
import { test } from "node:test";
import { describedProgram } from "#harness/described-program.ts";
import { completeWords } from "./complete-words.ts";

const program = describedProgram();

function complete(...words: readonly string[]): unknown {
  const completion = completeWords(program, words);
  return Array.isArray(completion)
    ? (completion as readonly { readonly value: string }[]).map(({ value }) => value)
    : completion;
}

test("commands, their options and the choices of arguments are completed", () => {
  assert.deepEqual(complete("s"), ["serve", "schema", "show", "set"]);
  assert.deepEqual(complete("show", "v"), ["vnics"]);
  assert.deepEqual(complete("show", "vnics", "--w"), ["--watch"]);
  assert.deepEqual(complete("serve", "--engine", ""), ["bun", "node", "auto"]);
  assert.deepEqual(complete("completion", "z"), ["zsh"]);
  assert.deepEqual(complete("wait", ""), ["ready", "vnic", "server"]);
  assert.deepEqual(complete("help", "do"), ["doctor"]);
  assert.ok((complete("") as readonly string[]).includes("check"));
  assert.ok(!(complete("") as readonly string[]).includes("complete"));
});

test("paths are left to the shell", () => {
  assert.equal(complete("check", "dir"), ":files");
  assert.equal(complete("serve", "--config", ""), ":files");
  assert.equal(complete("show", "vnics", "--socket", "/run"), ":files");
});

test("names are asked for at the socket of the command line", () => {
  assert.deepEqual(complete("show", "vnics", "fr"), { kind: "vnics", socketPath: undefined });
  assert.deepEqual(complete("show", "vnics", "--json", "--socket", "/run/x", ""), {
    kind: "vnics",
    socketPath: "/run/x",
  });
});

test("names are of the kind that the word before says", () => {
  for (const [kind, ...words] of [
    ["vnic", "set", "vnic", "fr"],
    ["listener", "remove", "listener", ""],
    ["connections", "show", "connections", ""],
    ["server", "wait", "server", ""],
    ["vnic", "cut", "connections", "--vnic", ""],
  ]) {
    const expected = { kind, socketPath: undefined };
    assert.deepEqual(complete(...words), expected, words.join(" "));
  }
});

test("settings are of the kind of the command", () => {
  const socketPath = undefined;
  const expected = { verb: "set", settingsOf: "vnic", socketPath };
  assert.deepEqual(complete("set", "vnic", "front.shop", ""), expected);
  assert.deepEqual(complete("add", "listener", "front.shop:443", "to=1", "po"), {
    ...{ verb: "add", settingsOf: "listener", socketPath },
  });
  assert.deepEqual(complete("remove", "vnic", "front.shop", ""), []);
});

test("what cannot be completed has no candidates", () => {
  for (const words of [
    ["check", "a", ""],
    ["show", "status", ""],
    ["nonsense", ""],
    ["reload", "--timeout", ""],
  ]) {
    const found = complete(...words);
    if (words[0] !== "nonsense") assert.deepEqual(found, [], words.join(" "));
  }
});
