import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { UsageError } from "#cli/usage-error.ts";
import { askSecret } from "./ask-secret.ts";
import { askPassphrase, readPassphraseFile } from "./read-passphrase.ts";

const fromBytes = (bytes: string | Uint8Array) =>
  readPassphraseFile("-", { readInput: () => Promise.resolve(Buffer.from(bytes)) });

describe("a passphrase from a file or standard input", () => {
  it("is the first line, with the spaces at its ends", async () => {
    assert.equal(await fromBytes("geheim"), "geheim");
    assert.equal(await fromBytes(" gehéim € \r\nmore"), " gehéim € ");
    assert.equal(await fromBytes("geheim\n"), "geheim");
    assert.equal(await fromBytes("\u{feff}geheim\n"), "geheim");
  });

  it("is refused if it is empty, too long, no UTF-8, or cannot be read", async () => {
    for (const bytes of ["", "\ngeheim", Buffer.of(0xff, 0x0a), "x".repeat(1_025)]) {
      await assert.rejects(fromBytes(bytes), UsageError);
    }
    const readInput = () => Promise.reject(new Error("ENOENT"));
    await assert.rejects(readPassphraseFile("-", { readInput }), UNREADABLE);
    for (const path of ["/missing", "/"]) {
      await assert.rejects(readPassphraseFile(path, { readInput }), UNREADABLE);
    }
  });
});

const UNREADABLE = { name: "DirectorError", code: "file-unreadable" };

/** A terminal that remembers its mode. */
class FakeTerminal extends PassThrough {
  readonly modes: boolean[] = [];
  setRawMode(isRaw: boolean): this {
    this.modes.push(isRaw);
    return this;
  }
}

async function answerOf(...chunks: readonly (string | Uint8Array)[]) {
  const terminal = new FakeTerminal();
  let shown = "";
  const answer = askSecret("Passphrase: ", terminal, { write: (text) => (shown += text) });
  for (const chunk of chunks) terminal.write(chunk);
  const text = await answer;
  assert.deepEqual(terminal.modes, [true, false]);
  assert.equal(shown, "Passphrase: \n");
  assert.equal(terminal.listenerCount("data"), 0);
  return text;
}

describe("a passphrase from a terminal", () => {
  it("is a line, whose typing may be corrected", async () => {
    assert.equal(await answerOf("geheim\r"), "geheim");
    assert.equal(await answerOf("g", "ehx\u007feim", "\n"), "geheim");
    assert.equal(await answerOf("wrong\u0015geheim\r"), "geheim");
    assert.equal(await answerOf("\u001b[Dgeheim\u001b[A\t\r"), "geheim");
    assert.equal(await answerOf("geheim\rpasted after it\r"), "geheim");
    const bytes = Buffer.from("gehé€🔑\r");
    assert.equal(await answerOf(...Array.from(bytes, (byte) => Buffer.of(byte))), "gehé€🔑");
    assert.equal(await answerOf("\r"), "");
    assert.equal(await answerOf("geheim\u0004"), "geheim");
  });

  it("is none after Ctrl-C and Ctrl-D, and when the terminal is closed", async () => {
    assert.equal(await answerOf("geh\u0003eim\r"), undefined);
    assert.equal(await answerOf("\u0004"), undefined);
    const terminal = new FakeTerminal();
    const answer = askSecret("", terminal, { write: () => undefined });
    terminal.end();
    assert.equal(await answer, undefined);
    const refused = askPassphrase("?", { askSecret: () => Promise.resolve(undefined) });
    await assert.rejects(refused, UsageError);
  });

  it("has a bound, and a command without a terminal says what to do", async () => {
    const text = await answerOf(`${"x".repeat(100_000)}\r`);
    assert.ok((text ?? "").length <= 1_025);
    const askLong = () => Promise.resolve(text);
    await assert.rejects(askPassphrase("?", { askSecret: askLong }), UsageError);
    await assert.rejects(askPassphrase("?", { askSecret: undefined }), /--passphrase-file/);
  });

  it("does not appear on a real terminal", async (t) => {
    const folder = await makeTempFolder();
    const program = join(folder, "ask.ts");
    const entry = join(import.meta.dirname, "ask-secret.ts");
    await writeFiles(folder, {
      "ask.ts": `import { writeFileSync } from "node:fs";
import { askSecret } from ${JSON.stringify(entry)};
const answer = await askSecret("Passphrase: ", process.stdin, process.stderr);
writeFileSync(${JSON.stringify(join(folder, "answer"))}, String(answer));
`,
    });
    const log = join(folder, "typescript");
    const command = `${process.execPath} ${program}`;
    const child = spawn("script", ["-q", "-e", "-c", command, log], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const [code] = await Promise.race([
      once(child, "error").then(() => ["missing"]),
      (async () => {
        let output = "";
        for await (const chunk of child.stdout) {
          output += String(chunk);
          if (output.endsWith("Passphrase: ")) child.stdin.write("geheim\r");
        }
        assert.equal(output, "Passphrase: \r\n");
        return child.exitCode === null
          ? ((await once(child, "close")) as [number])
          : [child.exitCode];
      })(),
    ]);
    if (code === "missing") return t.skip("script of util-linux is not installed");
    assert.equal(code, 0);
    assert.equal(readFileSync(join(folder, "answer"), "utf8"), "geheim");
  });
});
