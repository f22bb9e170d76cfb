import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildReaderCommand, type ReaderCommand } from "./reader-command.ts";

const commandIn = (env: Readonly<Record<string, string>>): ReaderCommand =>
  buildReaderCommand({ nodeFile: "/opt/node", env });

const permissionsOf = ({ args }: ReaderCommand): readonly string[] =>
  args.filter((arg) => arg.startsWith("--allow-"));

describe("the command of a reader process", () => {
  it("may read files and write none", () => {
    const command = commandIn({ NODE_COMPILE_CACHE: "", NODE_OPTIONS: "--inspect" });
    assert.deepEqual(permissionsOf(command), ["--allow-fs-read=*"]);
    assert.deepEqual(Object.keys(command.env), ["PATH"]);
  });

  it("may write a compile cache of its own where the control process has one, and nothing else", () => {
    const command = commandIn({ NODE_COMPILE_CACHE: "/var/cache/node" });
    assert.deepEqual(permissionsOf(command), [
      "--allow-fs-read=*",
      "--allow-fs-write=/var/cache/node/reader/*",
    ]);
    assert.equal(command.env["NODE_COMPILE_CACHE"], "/var/cache/node/reader");
  });
});
