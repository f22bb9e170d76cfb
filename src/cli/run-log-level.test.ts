import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { runLogLevel } from "./run-log-level.ts";

test("a log level is set for a time, and the director says when it ends", async () => {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const asked: unknown[] = [];
  const reply = { level: "debug", usual: "info\u001b", until: "2026-01-01T00:10:00.000Z" };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.once("end", () => {
      asked.push([request.method, request.url, JSON.parse(body)]);
      response.end(JSON.stringify(reply));
    });
  }).listen(socketPath);
  closeAtTestEnd(() => void server.close());
  let out = "";
  const terminal = {
    isInteractive: false,
    out: (part: string) => {
      out += part;
    },
    err: (part: string) => assert.fail(part),
  };
  await runLogLevel({ level: "debug", forMs: 600_000, socketPath, isJson: false }, terminal);
  assert.deepEqual(asked, [["PUT", "/v1/log-level", { level: "debug", for: "600000ms" }]]);
  assert.equal(out, "The log level is debug until 2026-01-01 00:10:00Z, then info\\u{1b}.\n");
});
