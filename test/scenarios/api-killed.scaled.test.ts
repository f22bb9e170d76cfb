import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ChangeReply } from "#model/records/change-reply.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { scaled } from "#harness/run-length.ts";

interface Named {
  readonly name: string;
  readonly oper: string;
}

const list = async (director: Director, path: string): Promise<readonly Named[]> =>
  (await director.api(path)).body as readonly Named[];

/** Resolves to the revision that the client is told, or undefined if it is told nothing. */
async function add(director: Director, name: string): Promise<number | undefined> {
  const front = { ip: uniqueVirtualIp(), listeners: [{ port: 8080, mode: "redirect" }] };
  const body = {
    servers: { [name]: { address: "127.0.0.1" } },
    profiles: { [name]: { servers: [name], vnics: { front } } },
  };
  const headers = { "content-type": "application/merge-patch+json" };
  const reply = await director
    .api("/v1/document", { method: "PATCH", body, headers, deadlineMs: 60_000 })
    .catch(() => undefined);
  if (reply === undefined) return undefined;
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return (reply.body as ChangeReply).revision;
}

const document = { director: { orphanGrace: "200ms", drain: "200ms" } };
const rounds = scaled({ short: 10, long: 100 });
/** Each round waits for a start, which takes long on a busy machine. */
const timeout = rounds * 60_000;

forEachEngineIfLong("bun", (engine) => {
  it(
    "a director that is killed at any moment of a change has the state before or after it, and the one that its client was told",
    { timeout },
    async () => {
      let director = await startDirector({ document, engine, workers: 1 });
      await add(director, "first");
      const startedMs = performance.now();
      await add(director, "second");
      const changeMs = performance.now() - startedMs;
      let kept: readonly string[] = ["first", "second"];

      for (let round = 0; round < rounds; round += 1) {
        const { revision } = await director.status();
        const name = `r-${round}`;
        const told = add(director, name);
        // The moments are spread over the change and a little more.
        await delay((1.3 * changeMs * round) / rounds);
        await director.kill();
        const toldRevision = await told;

        director = await startDirector({ document, engine, workers: 1, folder: director.dir });
        const names = (await list(director, "/v1/profiles")).map((one) => one.name);
        const isMade = names.includes(name);
        assert.deepEqual(names.toSorted(), [...kept, ...(isMade ? [name] : [])].toSorted());
        // A change is never half there.
        const servers = (await list(director, "/v1/servers")).map((one) => one.name);
        assert.deepEqual(servers, names);
        const expected = revision + (isMade ? 1 : 0);
        assert.equal((await director.status()).revision, expected);
        if (toldRevision !== undefined) assert.deepEqual([isMade, toldRevision], [true, expected]);
        if (isMade) kept = [...kept, name];

        const { body } = await director.api("/v1/history?limit=2");
        const [newest, parent] = body as readonly RevisionRecord[];
        assert.deepEqual([newest?.revision, newest?.parent], [expected, parent?.revision ?? 0]);
        await eventually(
          async () => (await list(director, "/v1/listeners")).every(({ oper }) => oper === "up"),
          20_000,
          "the listeners of every change that was made",
        );
      }
      const lost = rounds + 2 - kept.length;
      assert.ok(lost > 0, "no change was cut off before its save");
    },
  );
});
