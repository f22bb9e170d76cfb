import assert from "node:assert/strict";
import { test } from "node:test";
import { fastify } from "fastify";
import { takeTurns } from "./take-turns.ts";

test("the event loop has a turn between two requests, and urgent ones do not wait", async () => {
  const app = fastify();
  takeTurns(app, ({ url }) => url === "/urgent");
  const begun: string[] = [];
  let turns = 0;
  app.get("/:name", ({ url }) => {
    begun.push(`${turns} ${url}`);
    setImmediate(() => {
      turns += 1;
    });
    return {};
  });
  await app.ready();
  const asked = ["/one", "/two", "/three", "/urgent"].map((url) => app.inject(url));
  assert.deepEqual(
    new Set((await Promise.all(asked)).map((reply) => reply.statusCode)),
    new Set([200]),
  );
  assert.deepEqual(begun, ["0 /urgent", "0 /one", "2 /two", "3 /three"]);
  assert.equal((await app.inject("/later")).statusCode, 200);
  await app.close();
});
