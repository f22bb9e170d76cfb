import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
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

const rounds = scaled({ short: 10, long: 100 });
const document = { director: { orphanGrace: "200ms", drain: "200ms" } };

forEachEngineIfLong("bun", (engine) => {
  describe("a director that is killed during a change", { concurrency: false }, () => {
    let director: Director;
    let changeMs = 0;
    let kept: readonly string[] = ["first", "second"];
    let lost = 0;

    before(async () => {
      director = await startDirector({ document, engine, workers: 1 });
      await add(director, "first");
      const startedMs = performance.now();
      await add(director, "second");
      changeMs = performance.now() - startedMs;
    });

    for (let round = 0; round < rounds; round += 1) {
      // The moments are spread over the change and a little more.
      const part = (1.3 * round) / rounds;
      it(`has the state before or after it, and the one that the client was told: at ${part.toFixed(2)} of it`, async () => {
        const { revision } = await director.status();
        const name = `r-${round}`;
        const told = add(director, name);
        await delay(part * changeMs);
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
        else lost += 1;

        const { body } = await director.api("/v1/history?limit=2");
        const [newest, parent] = body as readonly RevisionRecord[];
        assert.deepEqual([newest?.revision, newest?.parent], [expected, parent?.revision ?? 0]);
        await eventually(
          async () => (await list(director, "/v1/listeners")).every(({ oper }) => oper === "up"),
          20_000,
          "the listeners of every change that was made",
        );
      });
    }

    it("was killed before the save in some rounds, and after it in others", () => {
      assert.ok(lost > 0 && lost < rounds, `${lost} of ${rounds} were lost`);
    });
  });
});
