import assert from "node:assert/strict";
import { test } from "node:test";
import type { NamedKind } from "#cli/named-kind.ts";
import { completeSettings } from "./complete-settings.ts";

const names = { server: ["web-1", "web-2"], policy: ["partners"], certificate: ["*.shop"] };

/** Returns the candidates that begin with the word, as the shell gets them. */
async function complete(verb: string, kind: NamedKind, word: string): Promise<readonly string[]> {
  const candidates = await completeSettings({ verb, settingsOf: kind }, word, (wanted) =>
    Promise.resolve(Object.entries(names).find(([name]) => name === wanted)?.[1] ?? []),
  );
  return candidates.map(({ value }) => value).filter((value) => value.startsWith(word));
}

test("the names of settings are completed, and the operators of a list that is set", async () => {
  assert.deepEqual(await complete("set", "listener", "timeouts.i"), ["timeouts.idle="]);
  assert.deepEqual(await complete("set", "profile", "se"), ["servers=", "servers+=", "servers-="]);
  assert.deepEqual(await complete("add", "profile", "se"), ["servers="]);
  assert.deepEqual(await complete("set", "listener", "timeouts.k"), ["timeouts.keepAlive="]);
  assert.deepEqual(await complete("add", "listener", "responseFields."), [
    ...["responseFields.set=", "responseFields.remove="],
  ]);
  const ofVnic = await complete("set", "vnic", "");
  assert.deepEqual(ofVnic.slice(0, 3), ["up", "down", "ip="]);
  assert.ok(!(await complete("add", "vnic", "")).includes("up"));
});

test("values are names of the director, or those that the schema allows", async () => {
  assert.deepEqual(await complete("set", "listener", "policy="), [
    ...["policy=modern", "policy=intermediate", "policy=partners"],
  ]);
  assert.deepEqual(await complete("set", "listener", "certificates="), ["certificates=*.shop"]);
  assert.deepEqual(await complete("set", "profile", "servers+=web-1,"), ["servers+=web-1,web-2"]);
  assert.deepEqual(await complete("add", "profile", "balance=c"), ["balance=client-hash"]);
  assert.deepEqual(await complete("set", "policy", "tickets="), ["tickets=true", "tickets=false"]);
  assert.deepEqual(await complete("set", "policy", "groups=X25519,P-2"), ["groups=X25519,P-256"]);
  assert.deepEqual(await complete("set", "listener", "mode=h"), ["mode=http"]);
  assert.deepEqual(await complete("set", "listener", "pool.reuse=a"), ["pool.reuse=always"]);
  assert.deepEqual(await complete("set", "listener", "clientFacts=tls,j"), ["clientFacts=tls,ja4"]);
  for (const word of ["timeouts.idle=", "nonsense=", "timeouts=", "to="]) {
    assert.deepEqual(await complete("set", "listener", word), [], word);
  }
});
