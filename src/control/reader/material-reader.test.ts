import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { compileCache } from "#harness/compile-cache.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { issueOddCertificate } from "#harness/odd-certificate.ts";
import { descendantsOf, isAlive } from "#harness/process-facts.ts";
import { watchHolds } from "#harness/watch-holds.ts";
import {
  DocumentSyntaxError,
  MaterialReader,
  MaterialRefusedError,
  type ReadMaterial,
} from "./material-reader.ts";
import { buildReaderCommand, type ReaderCommand } from "./reader-command.ts";
import { DeadlineError, ReaderEndedError } from "./reader-process.ts";

const DEADLINE_MS = 1_000;

interface ReaderSettings {
  readonly size?: number;
  readonly deadlineMs?: number;
  readonly command?: ReaderCommand;
}

function startReader(settings: ReaderSettings = {}): MaterialReader {
  const reader = new MaterialReader({
    command: buildReaderCommand({ nodeFile: process.execPath, env: compileCache }),
    size: 2,
    onFault: () => undefined,
    ...settings,
  });
  closeAtTestEnd(() => reader.rest());
  return reader;
}

/** Stands for a process of the reader: a program of Node. */
const commandOf = (script: string, ...flags: readonly string[]): ReaderCommand => ({
  file: process.execPath,
  args: [...flags, "-e", script],
  env: {},
});

const { chainPem, keyPem } = issueOddCertificate();

const readPair = (
  reader: MaterialReader,
  key = keyPem,
  passphrase?: string,
): Promise<ReadMaterial<"certificate">> =>
  reader.read(
    {
      kind: "certificate",
      has: { key: true, passphrase: passphrase !== undefined },
      places: { chain: "chain", key: "key" },
    },
    [Buffer.from(chainPem), Buffer.from(key), Buffer.from(passphrase ?? "")],
  );

const readersOf = () => descendantsOf(process.pid).map(({ pid }) => pid);

/** A process of the reader, but one that OpenSSL keeps for half an hour if the key has a passphrase, however fast the machine is. */
const endlessCommand = commandOf(
  `
    const { pbkdf2Sync } = await import("node:crypto");
    const { answerJobs } = await import(${JSON.stringify(new URL("../../protocol/answer-jobs.ts", import.meta.url))});
    const { work } = await import(${JSON.stringify(new URL("./work.ts", import.meta.url))});
    answerJobs({ input: process.stdin, output: process.stdout }, ({ head, parts }) => {
      if (head.has.passphrase) pbkdf2Sync("x", "salt", 2 ** 31 - 1, 32, "sha256");
      return work(head, parts);
    });`,
  "--input-type=module",
);

describe("MaterialReader", () => {
  it("kills a process that misses its deadline, and reads on with the others", async () => {
    const reader = startReader({ command: endlessCommand, deadlineMs: DEADLINE_MS });
    await readPair(reader);
    const before = readersOf();
    using holds = watchHolds();
    const slow = readPair(reader, keyPem, "x");
    const good = Array.from({ length: 40 }, () => readPair(reader));
    await assert.rejects(slow, (error) => {
      assert.ok(error instanceof DeadlineError);
      assert.match(error.message, /longer than 1 s/);
      return true;
    });
    const read = await Promise.all(good);
    const longestMs = holds.longestMs();
    assert.equal(read.length, 40);
    assert.equal(read[0]?.parts[1]?.toString(), keyPem);
    const [victim = 0] = before;
    await eventually(() => !readersOf().includes(victim), 5_000, "the end of the killed process");
    assert.ok(longestMs < 500, `the event loop was held for ${longestMs} ms`);
  });

  it("keeps its one process for many jobs, and starts more for a crowd", async () => {
    const others = readersOf();
    const reader = startReader({ size: 3 });
    // Those of other tests may end meanwhile.
    const countOf = () => readersOf().filter((pid) => !others.includes(pid)).length;
    for (let at = 0; at < 3; at += 1) await readPair(reader);
    assert.equal(countOf(), 1);
    await Promise.all(Array.from({ length: 1_000 }, () => readPair(reader)));
    assert.ok(countOf() > 1 && countOf() <= 3);
    await reader.rest();
    assert.equal(countOf(), 0);
    await readPair(reader);
    assert.equal(countOf(), 1);
  });

  it("has a fresh process ready after it had nothing to do, if it should", async () => {
    const reader = startReader();
    const others = readersOf();
    const own = () => readersOf().filter((pid) => !others.includes(pid));
    reader.stayReady(true);
    await eventually(() => own().length === 1, 15_000, "a process that was started for no job");
    const [first = 0] = own();
    await readPair(reader);
    await eventually(
      () => own().length === 1 && !own().includes(first),
      15_000,
      "a fresh process in the place of the one that had nothing to do",
    );
  });

  it("gives a job that a process died over to one more, and then says how that ended", async () => {
    const reader = startReader({ command: commandOf("process.stdin.once('data', process.abort)") });
    await assert.rejects(readPair(reader), (error) => {
      assert.ok(error instanceof ReaderEndedError);
      assert.match(error.message, /ended with SIGABRT\.$/);
      return true;
    });
    const missing = { file: "/nothing/there", args: [], env: {} };
    await assert.rejects(readPair(startReader({ command: missing })), /ENOENT/);
  });

  it("does each of the quick jobs that a process had when it ended again, alone", async () => {
    // A process that ends with the first hostile job, and has kept the answers to all jobs before it until then.
    const script = `
      const { answerJobs } = await import(${JSON.stringify(new URL("../../protocol/answer-jobs.ts", import.meta.url))});
      answerJobs({ input: process.stdin, output: process.stdout }, ({ parts: [file] }) => {
        if (String(file) === "hostile") process.kill(process.pid, "SIGKILL");
        return { outcome: { reply: { refusal: String(file) } } };
      });`;
    const reader = startReader({ command: commandOf(script, "--input-type=module") });
    const outcomes = await Promise.allSettled(
      ["one", "two", "hostile", "three", "hostile", "four"].map((text) =>
        reader.read({ kind: "trial" }, [Buffer.from(text)]),
      ),
    );
    const ends = outcomes.map((outcome) =>
      outcome.status === "fulfilled" ? outcome.value.reply.refusal : String(outcome.reason),
    );
    const killed = "ReaderEndedError: The reader process ended with SIGKILL.";
    assert.deepEqual(ends, ["one", "two", killed, "three", killed, "four"]);
  });

  it("takes no answer that is no frame, and none that was not asked for", async () => {
    for (const script of [
      "process.stdout.write(Buffer.alloc(64, 255)); process.stdin.resume()",
      "process.stdout.write('\\0\\0\\0\\x04null'); process.stdin.resume()",
      "process.stdout.write('\\0\\0\\0\\x02{}'); process.stdin.resume()",
    ]) {
      const reader = startReader({ command: commandOf(script) });
      await assert.rejects(readPair(reader), ReaderEndedError, script);
    }
  });

  it("takes no answer that does not fit its job", async () => {
    const document = { reply: { isValid: true, problems: [] } };
    const trust = { reply: { id: "0".repeat(64), warnings: [] } };
    for (const [head, isFit] of [
      [document, true],
      [{ reply: { isValid: true, problems: [], more: 1 } }, false],
      [{ reply: { isValid: "yes", problems: [] } }, false],
      [{ ...document, fault: "" }, false],
      [trust, false],
      [{ refused: [] }, false],
      [{ refused: [{ code: "internal" }] }, false],
      [{}, false],
    ] as const) {
      const json = JSON.stringify({ head, lengths: [] });
      const frame = [0, 0, 0, json.length, ...Buffer.from(json)].join();
      const script = `process.stdin.once('data', () => process.stdout.write(Buffer.from([${frame}])))`;
      const read = startReader({ command: commandOf(script) }).read(
        { kind: "document", format: "yaml" },
        [],
      );
      if (isFit) assert.deepEqual(await read, { reply: document.reply, parts: [] });
      else await assert.rejects(read, ReaderEndedError, json);
    }
  });

  it("tells refusals of the files apart from mistakes of the program", async () => {
    const reader = startReader();
    await assert.rejects(readPair(reader, "no key"), (error) => {
      assert.ok(error instanceof MaterialRefusedError);
      assert.deepEqual(
        error.problems.map(({ code, path }) => `${code} ${path}`),
        ["key-malformed key"],
      );
      return true;
    });
    // A job that no caller sends stands for a mistake: what is wrong then has a stack and is no problem of a file.
    const broken = { kind: "certificate", has: { key: true, passphrase: false } };
    await assert.rejects(
      reader.read(broken as Parameters<typeof reader.read<"certificate">>[0], []),
      (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /^TypeError/);
        assert.match(error.stack ?? "", /parse-certificate\.ts:\d+/);
        return true;
      },
    );
    await readPair(reader);
  });

  it("has no privileges, no core file, no inherited environment, and no life after its owner", async () => {
    const env = { HOME: "/root", NODE_OPTIONS: "--no-warnings" };
    const reader = startReader({
      command: buildReaderCommand({ nodeFile: process.execPath, env }),
    });
    await readPair(reader);
    const found = descendantsOf(process.pid).at(-1);
    assert.ok(found);
    const of = (name: string): string => readFileSync(`/proc/${found.pid}/${name}`, "utf8");
    const capabilities = process.getuid?.() === 0 ? ["CapInh", "CapAmb"] : ["CapEff", "CapPrm"];
    for (const name of capabilities)
      assert.match(of("status"), new RegExp(`^${name}:\\s+0+$`, "m"));
    assert.match(of("status"), /^NoNewPrivs:\s+1$/m);
    assert.match(of("limits"), /^Max core file size\s+0\s+0\s/m);
    assert.deepEqual(
      of("environ")
        .split("\0")
        .map((entry) => entry.split("=")[0])
        .filter(
          (name) =>
            name !== "" && name !== "PWD" && name !== "_" && name !== "SHLVL" && name !== "OLDPWD",
        ),
      ["PATH"],
    );
    assert.ok(!of("cmdline").includes("PRIVATE KEY"));
    assert.ok(isAlive(found));
  });

  it("a process parses the JSON of a request, and checks a document that another has parsed", async () => {
    const reader = startReader();
    const json = (text: string) => reader.read({ kind: "json" }, [Buffer.from(text)]);
    const { reply, parts } = await json(' { "a" : [ 1 ] } ');
    assert.deepEqual([reply, parts.map(String)], [{ isEmpty: false }, ['{"a":[1]}']]);
    assert.deepEqual((await json(" ")).reply, { isEmpty: true });
    await assert.rejects(json("{"), DocumentSyntaxError);
    await assert.rejects(json('{"a":1,"a":2}'), MaterialRefusedError);
    const document = Buffer.from('{"servers":{"web":{"address":"x"}}}');
    const checked = await reader.read({ kind: "document", format: "json" }, [document]);
    assert.equal(checked.reply.isValid, false);
    assert.equal(checked.reply.problems[0]?.path, "servers.web.address");
  });
});
