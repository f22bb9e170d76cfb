import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { findEngine } from "#control/workers/find-engine.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { runToExit } from "#harness/child-process.ts";
import { enginesUnderTest } from "#harness/engines.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { projectFolder } from "#harness/tlsd.ts";

interface Answer {
  readonly name: string;
  readonly requestCertificate: boolean;
  readonly isOver: boolean;
  /** Its first bytes, in hex. */
  readonly answer: string;
}

const serverHello = /^1603/;
/** A fatal illegal_parameter, whatever the version of its record. */
const illegalParameter = /^1503..0002022f$/;

/** What the director relies on and an engine may change: each must be seen to change. */
describe("the longest ClientHello that an engine takes", () => {
  let files: readonly string[];

  before(async () => {
    const issued = await (await createTestCa()).issue({ names: ["shop.example"] });
    const { chain, key } = await issued.writeTo(await makeTempFolder(), "shop");
    files = [chain, key];
  });

  const socketsOf = { bun: ["native", "portable"], node: ["portable"] } as const;
  const wires = enginesUnderTest().flatMap((engine) =>
    socketsOf[engine].map((sockets) => ({ engine, sockets })),
  );
  for (const { engine, sockets } of wires) {
    it(`is what the wire says: ${engine}, ${sockets} sockets`, async () => {
      const { file, flags } = findEngine({
        wanted: engine,
        nodeFile: process.execPath,
        arch: process.arch,
      });
      const fixture = join(projectFolder, "test/fixtures/answer-long-hellos.ts");
      const args = [...flags, fixture, uniqueVirtualIp(), ...files, sockets];
      const { stdout, stderr } = await runToExit(file, args, { deadlineMs: 30_000 });
      const answers = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Answer);
      assert.equal(answers.length, engine === "bun" ? 4 : 2, stderr);
      for (const { name, isOver, answer, requestCertificate } of answers) {
        assert.equal(name, sockets);
        const what = `client authentication ${requestCertificate}, too long ${isOver}`;
        assert.match(answer, isOver ? illegalParameter : serverHello, what);
      }
    });
  }
});
