import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { findFileAdvice, findFileViolations } from "#harness/file-rules.ts";
import { findLayerViolations, type Sources } from "#harness/layer-rules.ts";
import { projectFolder } from "#harness/tlsd.ts";

function readSources(): Sources {
  const paths = ["src", "test", "bench", "deploy"].flatMap((folder) =>
    readdirSync(join(projectFolder, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.(?:ts|mjs|js)$/.test(path))
      .map((path) => `${folder}/${path}`),
  );
  return new Map(paths.map((path) => [path, readFileSync(join(projectFolder, path), "utf8")]));
}

describe("the source", () => {
  const sources = readSources();

  it("is read, from every layer", () => {
    for (const folder of ["model", "protocol", "dataplane", "control", "cli"]) {
      const read = [...sources.keys()].filter((path) => path.startsWith(`src/${folder}/`));
      assert.ok(read.length > 0, `no file read in src/${folder}`);
    }
  });

  it("keeps to the import table", () => {
    assert.deepEqual(findLayerViolations(sources), []);
  });

  it("keeps to the file budget, names and exports", (context) => {
    for (const advice of findFileAdvice(sources)) context.diagnostic(`advice: ${advice}`);
    assert.deepEqual(findFileViolations(sources), []);
  });
});

const goodSources: Readonly<Record<string, string>> = {
  "src/main.ts": 'import { serve } from "#control/main.ts";\nprocess.exitCode = serve();\n',
  "src/model/document/vnic.ts":
    'import Type from "typebox";\nexport const vnic = Type.Object({});\n',
  "src/model/records/snapshot.ts": 'import type { Vnic } from "./vnic.ts";\n// Not Date.now().\n',
  "src/protocol/messages.ts": 'import type { Snapshot } from "#model/records/snapshot.ts";\n',
  "src/dataplane/main.ts": "process.on('SIGTERM', stop);\n",
  "src/dataplane/connection/relay.ts": 'import { write } from "#dataplane/wire/wire.ts";\n',
  "src/dataplane/wire/wire.ts":
    'import net from "node:net";\nimport type { Vnic } from "#model/document/vnic.ts";\n',
  "src/dataplane/wire/wire.test.ts": 'import { vnic } from "#model/document/vnic.ts";\n',
  "src/control/main.ts": 'import fastify from "fastify";\nimport "../protocol/messages.ts";\n',
  "src/cli/show.ts": 'import { Command } from "commander";\n',
};

/** One bad file beside the good ones, and what must be said about it. */
const badSources: readonly (readonly [path: string, source: string, complaint: RegExp])[] = [
  ["src/model/a.ts", 'import { b } from "#protocol/b.ts";', /model may not import src\/protocol/],
  ["src/model/a.ts", 'import { b } from "node:fs";', /model may not import node:fs/],
  ["src/model/a.ts", 'import { b } from "yaml";', /model may not import yaml/],
  ["src/model/a.ts", "export const now = Date.now();", /no clock/],
  ["src/protocol/a.ts", 'import pino from "pino";', /protocol may not import pino/],
  ["src/protocol/a.ts", 'import { vnic } from "#model/document/vnic.ts";', /`import type` only/],
  ["src/dataplane/a.ts", 'import { b } from "../control/b.ts";', /dataplane may not import src\/c/],
  [
    "src/dataplane/a.ts",
    'import {\n  b,\n  c,\n} from "undici";',
    /dataplane may not import undici/,
  ],
  ["src/dataplane/a.ts", 'const b = await import("undici");', /dataplane may not import undici/],
  [
    "src/dataplane/a.ts",
    'import { type Vnic } from "#model/document/vnic.ts";',
    /`import type` only/,
  ],
  ["src/dataplane/a.ts", 'import { b } from "./b.test.ts";', /may not import .*b\.test\.ts/],
  ["src/dataplane/a.ts", 'import { b } from "#harness/b.ts";', /may not import test\/harness/],
  ["src/dataplane/a.ts", 'export { connect } from "node:net";', /behind wire/],
  ["src/dataplane/tls/a.ts", 'import { b } from "../connection/b.ts";', /know the stages/],
  ["src/dataplane/live/a.ts", 'import { b } from "#dataplane/worker.ts";', /know the stages/],
  ["src/dataplane/tls/a.ts", 'import { b } from "../modes/b.ts";', /know the stages/],
  ["src/dataplane/connection/a.ts", 'import { b } from "../modes/b.ts";', /serves every mode/],
  ["src/dataplane/http/head/a.ts", 'import { b } from "../exchange.ts";', /knows only bytes/],
  ["src/dataplane/wire/a.ts", 'import { b } from "../observe/b.ts";', /wire\/ is a seam/],
  ["src/control/a.ts", 'import { b } from "#dataplane/b.ts";', /control may not import src\/data/],
  ["src/control/a.ts", 'import { b } from "#cli/b.ts";', /control may not import src\/cli/],
  ["src/control/state/a.ts", 'import fastify from "fastify";', /know no HTTP/],
  ["src/control/workers/a.ts", 'import "../admin-api/b.ts";', /know no HTTP/],
  ["src/control/a.ts", "if (process.env.A) stop();", /only main\.ts/],
  ["src/control/a.ts", "const { argv } = process;", /only main\.ts/],
  ["src/control/a.ts", "process.once(signal, stop);", /only main\.ts/],
  ["src/control/a.ts", 'import { exit } from "node:process";', /may not import node:process/],
  ["src/cli/a.ts", 'import { b } from "#control/b.ts";', /cli may not import src\/control/],
  ["src/cli/a.ts", 'import fastify from "fastify";', /cli may not import fastify/],
  ["src/stray.ts", "", /is in no layer/],
  ["src/control/a.ts", "\n".repeat(401), /401 lines, of 400/],
  ["bench/a.ts", "\n".repeat(401), /401 lines, of 400/],
  ["src/control/utils.ts", "", /says nothing/],
  ["src/control/core/a.ts", "", /says nothing/],
  ["src/control/worker-manager.ts", "", /says nothing/],
  ["src/control/workerPool.ts", "", /kebab-case/],
  ["src/control/index.ts", "", /no barrels/],
  ["src/control/a.ts", 'export * from "./b.ts";', /no barrels/],
  ["src/control/a.ts", "export default 1;", /no default exports/],
  ["src/control/a.ts", "export { a as default };", /no default exports/],
];

describe("the architecture check", () => {
  const complaintsAbout = (extra: Readonly<Record<string, string>>): readonly string[] => {
    const sources = new Map(Object.entries({ ...goodSources, ...extra }));
    return [...findLayerViolations(sources), ...findFileViolations(sources)];
  };

  it("has nothing to say about good sources", () => {
    assert.deepEqual(complaintsAbout({}), []);
  });

  for (const [path, source, complaint] of badSources) {
    it(`sees ${path}: ${JSON.stringify(source.trim().slice(0, 50) || complaint.source)}`, () => {
      const complaints = complaintsAbout({ [path]: source }).filter((text) =>
        text.startsWith(path),
      );
      assert.equal(complaints.length, 1, complaints.join("\n"));
      assert.match(complaints[0] ?? "", complaint);
    });
  }

  it("advises to merge a small file with its only importer, and no other file", () => {
    const long = "\n".repeat(30);
    const sources = new Map([
      ["src/cli/small.ts", "export const a = 1;\n"],
      ["src/cli/used-twice.ts", "export const b = 1;\n"],
      ["src/cli/long.ts", long],
      ["src/cli/show.ts", 'import "./small.ts";\nimport "./used-twice.ts";\nimport "./long.ts";\n'],
      ["src/cli/serve.ts", 'import "./used-twice.ts";\n'],
      ["src/cli/small.test.ts", 'import "./small.ts";\n'],
    ]);
    const [advice, ...more] = findFileAdvice(sources);
    assert.match(advice ?? "", /^src\/cli\/small\.ts: 1 lines, imported by src\/cli\/show\.ts/);
    assert.deepEqual(more, []);
  });

  it("sees a median that is too high and an empty source", () => {
    const long = "\n".repeat(121);
    const files = Object.fromEntries(Object.keys(goodSources).map((path) => [path, long]));
    assert.match(complaintsAbout(files)[0] ?? "", /the median file has 121 lines/);
    assert.deepEqual(findFileViolations(new Map()), ["src: no file was read"]);
  });
});
