import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ChangeReply } from "#model/records/change-reply.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { makeFaults } from "#harness/faulty-director.ts";
import { scaled } from "#harness/run-length.ts";
import type { FaultPlan } from "../fixtures/fault-plan.ts";

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

/** The steps of a change, in their order. Before the last four, the change has not been saved. */
const STEPS: readonly (Omit<FaultPlan, "code"> & { readonly isMade: boolean })[] = [
  { call: "net.listen", isMade: false },
  { call: "net.listen", isAfter: true, isMade: false },
  { call: "socket.write", subject: '"type":"prepare"', isMade: false },
  { call: "socket.write", subject: '"type":"prepare"', isAfter: true, isMade: false },
  { call: "database.exec", subject: "BEGIN", isMade: false },
  { call: "statement.run", isMade: false },
  { call: "statement.run", isAfter: true, isMade: false },
  { call: "database.exec", subject: "COMMIT", isMade: false },
  { call: "socket.write", subject: '"type":"commit"', isMade: true },
  { call: "socket.write", subject: '"type":"commit"', isAfter: true, isMade: true },
  { call: "socket.write", subject: "HTTP/1.1 200", isMade: true },
  { call: "socket.write", subject: "HTTP/1.1 200", isAfter: true, isMade: true },
];

const document = { director: { orphanGrace: "200ms", drain: "200ms" } };
/** Each round waits for a start, which takes long on a busy machine. */
const roundMs = 60_000;

/** A director that is killed and started again, and what it must have. */
class Killed {
  readonly #start: (folder?: string) => Promise<Director>;
  director: Director;
  readonly #kept: string[] = [];

  private constructor(director: Director, start: (folder?: string) => Promise<Director>) {
    this.director = director;
    this.#start = start;
  }

  static async start(start: (folder?: string) => Promise<Director>): Promise<Killed> {
    const killed = new Killed(await start(), start);
    await killed.change("first");
    return killed;
  }

  async change(name: string): Promise<void> {
    await add(this.director, name);
    this.#kept.push(name);
  }

  /**
   * Kills the director in a change and starts it again. Asserts that it has the state before or after the change, and the one
   * that the client was told. `kill` is called before the change is sent. Resolves to whether the change was made.
   */
  async round(name: string, kill: (director: Director) => Promise<void>): Promise<boolean> {
    const { revision } = await this.director.status();
    const killing = kill(this.director);
    const [toldRevision] = await Promise.all([add(this.director, name), killing]);

    this.director = await this.#start(this.director.dir);
    const { director } = this;
    const names = (await list(director, "/v1/profiles")).map((one) => one.name);
    const isMade = names.includes(name);
    if (isMade) this.#kept.push(name);
    assert.deepEqual(names.toSorted(), this.#kept.toSorted());
    // A change is never half there.
    const servers = (await list(director, "/v1/servers")).map((one) => one.name);
    assert.deepEqual(servers, names);
    const expected = revision + (isMade ? 1 : 0);
    assert.equal((await director.status()).revision, expected);
    if (toldRevision !== undefined) assert.deepEqual([isMade, toldRevision], [true, expected]);

    const { body } = await director.api("/v1/history?limit=2");
    const [newest, parent] = body as readonly RevisionRecord[];
    assert.deepEqual([newest?.revision, newest?.parent], [expected, parent?.revision ?? 0]);
    await eventually(
      async () => (await list(director, "/v1/listeners")).every(({ oper }) => oper === "up"),
      20_000,
      "the listeners of every change that was made",
    );
    return isMade;
  }
}

forEachEngineIfLong("bun", (engine) => {
  const settings = { document, engine, workers: 1 };
  const times = scaled({ short: 2, long: 50 });

  it(
    "a director that is killed at any moment of a change has the state before or after it, and the one that its client was told",
    { timeout: times * roundMs },
    async () => {
      const killed = await Killed.start((folder) =>
        startDirector({ ...settings, ...(folder === undefined ? {} : { folder }) }),
      );
      const startedMs = performance.now();
      await killed.change("second");
      const changeMs = performance.now() - startedMs;
      let lost = 0;
      // On a busy machine, the kill may come after the save in each of a few rounds.
      for (let at = 0; at < times || (lost === 0 && at < 10 * times); at += 1) {
        const isMade = await killed.round(`r-${at}`, async (director) => {
          // The moments are spread over the change and a little more.
          await delay((1.3 * changeMs * (at % times)) / times);
          await director.kill();
        });
        if (!isMade) lost += 1;
      }
      assert.ok(lost > 0, "no change was cut off before its save");
    },
  );

  const rounds = scaled({ short: 1, long: 5 });
  const every = scaled({ short: 2, long: 1 });
  const steps = STEPS.filter((_, at) => at % every === 0);

  it(
    "a director that is killed at a step of a change has the state of that step",
    { timeout: rounds * steps.length * roundMs },
    async () => {
      const faults = await makeFaults();
      const killed = await Killed.start((folder) =>
        startDirector({
          ...settings,
          ...faults.launch,
          ...(folder === undefined ? {} : { folder }),
        }),
      );
      for (let round = 0; round < rounds; round += 1) {
        for (const [index, { isMade, ...step }] of steps.entries()) {
          const what = JSON.stringify(step);
          const found = await killed.round(`r-${round}-${index}`, async (director) => {
            faults.inject({ ...step, code: "SIGKILL" });
            await director.exited;
            faults.clear();
          });
          assert.equal(found, isMade, what);
        }
      }
    },
  );
});
