import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { NameLookups } from "./name-lookups.ts";

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

describe("NameLookups", () => {
  /** The lookups that were started, in order. */
  let started: [hostname: string, answer: Answer][];
  let lookups: NameLookups;

  let nowMs: number;

  beforeEach(() => {
    nowMs = 0;
    mock.timers.enable({ apis: ["setTimeout"] });
    mock.method(performance, "now", () => nowMs);
    started = [];
    lookups = new NameLookups((hostname, answered) => void started.push([hostname, answered]));
  });
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  function passes(ms: number): void {
    nowMs += ms;
    mock.timers.tick(ms);
  }

  /** Starts a lookup. Returns a list to which its answer is added. */
  function ask(hostname: string): string[] {
    const answers: string[] = [];
    lookups.lookup(hostname, { all: true }, (error, addresses) => {
      const list = addresses as LookupAddress[];
      answers.push(error?.code ?? list.map(({ address }) => address).join());
    });
    return answers;
  }

  const answer = (hostname: string, result: string | NodeJS.ErrnoException): void => {
    const at = started.findIndex(([name]) => name === hostname);
    const [found] = started.splice(at, 1);
    assert.ok(at >= 0 && found !== undefined, `a lookup of ${hostname} is in progress`);
    if (typeof result === "string") found[1](null, [{ address: result, family: 4 }]);
    else found[1](result, []);
  };
  const inProgress = (): string[] => started.map(([hostname]) => hostname);

  it("has one lookup of a name in progress, and answers all connects that wait for it", () => {
    const [one, other] = [ask("a"), ask("a")];
    assert.deepEqual(inProgress(), ["a"]);
    answer("a", "192.0.2.1");
    assert.deepEqual([one, other], [["192.0.2.1"], ["192.0.2.1"]]);
    const again = ask("a");
    answer("a", failure("ENOTFOUND"));
    assert.deepEqual(again, ["ENOTFOUND"]);
  });

  it("returns a single address if one is requested", () => {
    let told: unknown[] = [];
    lookups.lookup("a", {}, (...answered) => (told = answered));
    answer("a", "192.0.2.1");
    assert.deepEqual(told, [null, "192.0.2.1", 4]);
  });

  it("keeps threads free for other names when lookups hang", () => {
    for (const hostname of ["a", "b", "c", "d"]) ask(hostname);
    const good = ask("good");
    assert.deepEqual(inProgress(), ["a", "b", "c", "d"]);
    passes(20_000);
    for (const hostname of ["a", "b", "c", "d"]) {
      answer(hostname, failure("EAI_AGAIN"));
      ask(hostname);
    }
    assert.deepEqual(inProgress(), ["good", "a", "b"]);
    answer("good", "192.0.2.1");
    assert.deepEqual(good, ["192.0.2.1"]);
    ask("good");
    ask("better");
    ask("best");
    assert.deepEqual(inProgress(), ["a", "b", "good", "better"]);
    answer("good", "192.0.2.1");
    assert.deepEqual(inProgress(), ["a", "b", "better", "best"]);
    answer("a", "192.0.2.9");
    assert.deepEqual(inProgress(), ["b", "better", "best", "c"]);
  });

  it("uses the last answer of a name whose lookup waits behind lookups that hang", () => {
    ask("good");
    answer("good", "192.0.2.1");
    for (const hostname of ["a", "b", "c", "d"]) ask(hostname);
    const first = ask("good");
    assert.deepEqual([first, inProgress().includes("good")], [[], false]);
    passes(1_000);
    assert.deepEqual(first, ["192.0.2.1"]);
    assert.deepEqual(ask("good"), ["192.0.2.1"]);
  });

  it("uses the last answer if a lookup hangs or the resolver fails, and not if the name no longer exists", () => {
    ask("a");
    answer("a", "192.0.2.1");
    const first = ask("a");
    assert.deepEqual(first, []);
    passes(1_000);
    assert.deepEqual(first, ["192.0.2.1"]);
    const second = ask("a");
    assert.deepEqual(second, ["192.0.2.1"]);
    answer("a", failure("EAI_AGAIN"));
    const third = ask("a");
    answer("a", failure("EAI_AGAIN"));
    assert.deepEqual(third, ["192.0.2.1"]);
    const fourth = ask("a");
    answer("a", failure("ENOTFOUND"));
    assert.deepEqual(fourth.at(-1), "ENOTFOUND");
    ask("a");
    passes(3_600_000);
    answer("a", failure("EAI_AGAIN"));
    const fifth = ask("a");
    answer("a", failure("EAI_AGAIN"));
    assert.deepEqual(fifth, ["EAI_AGAIN"]);
  });
});
