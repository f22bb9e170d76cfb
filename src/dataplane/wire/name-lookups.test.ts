import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { NameLookups } from "./name-lookups.ts";

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

describe("NameLookups", () => {
  /** Lookups that have been started, in this order. */
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

  /** What was answered to each who asked so far. */
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
    assert.ok(at >= 0 && found !== undefined, `a lookup of ${hostname} is under way`);
    if (typeof result === "string") found[1](null, [{ address: result, family: 4 }]);
    else found[1](result, []);
  };
  const underWay = (): string[] => started.map(([hostname]) => hostname);

  it("has one lookup of a name under way, and tells all who wait", () => {
    const [one, other] = [ask("a"), ask("a")];
    assert.deepEqual(underWay(), ["a"]);
    answer("a", "192.0.2.1");
    assert.deepEqual([one, other], [["192.0.2.1"], ["192.0.2.1"]]);
    const again = ask("a");
    answer("a", failure("ENOTFOUND"));
    assert.deepEqual(again, ["ENOTFOUND"]);
  });

  it("tells one address to who asks for one", () => {
    let told: unknown[] = [];
    lookups.lookup("a", {}, (...answered) => (told = answered));
    answer("a", "192.0.2.1");
    assert.deepEqual(told, [null, "192.0.2.1", 4]);
  });

  it("leaves threads to other names when names hang", () => {
    for (const hostname of ["a", "b", "c", "d"]) ask(hostname);
    const good = ask("good");
    assert.deepEqual(underWay(), ["a", "b", "c", "d"]);
    passes(20_000);
    for (const hostname of ["a", "b", "c", "d"]) {
      answer(hostname, failure("EAI_AGAIN"));
      ask(hostname);
    }
    assert.deepEqual(underWay(), ["good", "a", "b"]);
    answer("good", "192.0.2.1");
    assert.deepEqual(good, ["192.0.2.1"]);
    ask("good");
    ask("better");
    ask("best");
    assert.deepEqual(underWay(), ["a", "b", "good", "better"]);
    answer("good", "192.0.2.1");
    assert.deepEqual(underWay(), ["a", "b", "better", "best"]);
    answer("a", "192.0.2.9");
    assert.deepEqual(underWay(), ["b", "better", "best", "c"]);
  });

  it("uses the last answer of a name whose lookup waits for names that hang", () => {
    ask("good");
    answer("good", "192.0.2.1");
    for (const hostname of ["a", "b", "c", "d"]) ask(hostname);
    const first = ask("good");
    assert.deepEqual([first, underWay().includes("good")], [[], false]);
    passes(1_000);
    assert.deepEqual(first, ["192.0.2.1"]);
    assert.deepEqual(ask("good"), ["192.0.2.1"]);
  });

  it("uses the last answer where a lookup hangs or the resolver is down, and not where the name is gone", () => {
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
