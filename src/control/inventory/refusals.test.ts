import assert from "node:assert/strict";
import { test } from "node:test";
import { DirectorError } from "#model/failure.ts";
import { pathOf, problemOf } from "#model/problem.ts";
import { certificateRefusal } from "./certificate-refusal.ts";
import { Refusals } from "./refusals.ts";

const refusalFor = (name: string): DirectorError =>
  certificateRefusal(name, [
    problemOf("key-missing", pathOf("certificates", name), `${name} has no key.`),
  ]);

test("one failure names all certificates that are refused, with the problems of each", async () => {
  const refusals = new Refusals();
  assert.deepEqual(await refusals.collect("good", () => Promise.resolve("read")), ["read"]);
  refusals.throwIfAny();
  const refuse = (name: string, failure = refusalFor(name)): Promise<readonly never[]> =>
    refusals.collect(name, () => Promise.reject(failure));
  assert.deepEqual(await refuse("one"), []);
  assert.throws(() => refusals.throwIfAny(), { message: refusalFor("one").message });
  await refuse("two");
  await refuse("kept", new DirectorError("already-exists", "The inventory has it."));
  assert.throws(
    () => refusals.throwIfAny(),
    (error: DirectorError) => {
      assert.equal(error.code, "certificate-refused");
      assert.match(error.message, /3 certificates are refused: one, two, kept\.$/);
      const found = error.problems?.map(({ path, code }) => `${path} ${code}`);
      assert.deepEqual(found, [
        "certificates.one key-missing",
        "certificates.two key-missing",
        "certificates.kept already-exists",
      ]);
      return true;
    },
  );
});

test("certificates are named in the order of the request, whichever is refused first", async () => {
  const refusals = new Refusals();
  const last = Promise.withResolvers<never>();
  const first = refusals.collect("first", () => last.promise);
  await refusals.collect("second", () => Promise.reject(refusalFor("second")));
  last.reject(refusalFor("first"));
  await first;
  assert.throws(() => refusals.throwIfAny(), /2 certificates are refused: first, second\.$/);
});

test("a failure of one kind keeps its code, and any other failure ends the request", async () => {
  const refusals = new Refusals();
  for (const name of ["one", "two"]) {
    await refusals.collect(name, () => Promise.reject(new DirectorError("already-exists")));
  }
  assert.throws(() => refusals.throwIfAny(), { code: "already-exists" });
  const full = (): Promise<never> => Promise.reject(new DirectorError("too-many-changes"));
  await assert.rejects(refusals.collect("three", full), { code: "too-many-changes" });
});

test("no failure names more than a hundred certificates", async () => {
  const refusals = new Refusals();
  const refuse = (name: string) => refusals.collect(name, () => Promise.reject(refusalFor(name)));
  for (let at = 1; at < 100; at += 1) await refuse(`site-${at}`);
  await assert.rejects(refuse("site-100"), /100 certificates are refused/);
});
