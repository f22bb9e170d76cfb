import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import type { Document } from "#model/document/document.ts";
import { stillWanted, withCut, type CutTarget, type ScheduledCut } from "./cut-term.ts";

const SERVERS = ["web-1", "web-2", "web-3"];

/** A document in which the profiles live on these servers. */
function documentOf(
  homes: Readonly<Record<string, readonly string[]>>,
  admins: Readonly<Record<string, string>> = {},
): Document {
  const servers = SERVERS.map((name, at) => {
    const admin = admins[name];
    return [name, { address: `192.0.2.${at + 1}`, ...(admin === undefined ? {} : { admin }) }];
  });
  const profiles = Object.entries(homes).map(([name, on]) => [name, { servers: [...on] }]);
  const written = {
    servers: Object.fromEntries(servers),
    profiles: Object.fromEntries(profiles),
  };
  const { document } = parseDocument(written);
  return document ?? assert.fail();
}

/** Plans cuts one after the other. Each step is a document, with the cut that is a term of the change. */
function planned(
  ...steps: readonly (readonly [
    document: Document,
    target?: CutTarget,
    onStandby?: readonly string[],
  ])[]
): readonly Pick<ScheduledCut, "number" | "target" | "except" | "left">[] {
  let cuts: readonly ScheduledCut[] = [];
  let before = steps[0]?.[0] ?? assert.fail();
  steps.forEach(([after, target, onStandby = []], number) => {
    cuts = stillWanted(cuts, after);
    if (target !== undefined)
      cuts = withCut(cuts, target, { before, after, number, dueAtMs: 1, onStandby });
    before = after;
  });
  return cuts.map(({ number, target, except, left }) => ({ number, target, except, left }));
}

const moved = { kind: "moved", profile: "shop" } as const;
const [onOne, onTwo, onThree] = SERVERS.map((server) => documentOf({ shop: [server] }));
assert.ok(onOne && onTwo && onThree);

describe("the cuts of moved profiles", () => {
  it("except the servers that the profile lives on", () => {
    assert.deepEqual(planned([onOne], [onTwo, moved]), [
      { number: 1, target: moved, except: ["web-2"], left: ["web-1"] },
    ]);
  });

  it("are taken back by moving back", () => {
    assert.deepEqual(planned([onOne], [onTwo, moved], [onOne]), []);
  });

  it("except every server that the profile has come to since, and go on for the others", () => {
    const both = documentOf({ shop: ["web-1", "web-2"] });
    assert.deepEqual(planned([both], [onThree, moved], [onOne], [onThree]), [
      { number: 1, target: moved, except: ["web-3", "web-1"], left: ["web-2"] },
    ]);
  });

  it("have the last deadline that was given, also without a change of the document", () => {
    assert.deepEqual(planned([onOne], [onTwo, moved], [onThree, moved], [onThree, moved]), [
      { number: 3, target: moved, except: ["web-3"], left: ["web-1", "web-2"] },
    ]);
    // The move away from web-2 is taken back, but not that away from web-1.
    assert.deepEqual(planned([onOne], [onTwo, moved], [onThree, moved], [onTwo]), [
      { number: 2, target: moved, except: ["web-3", "web-2"], left: ["web-1"] },
    ]);
  });

  it("except the standby servers while they serve", () => {
    const home = { servers: ["web-1"], standby: ["web-2"] };
    const written = { servers: documentOf({}).servers, profiles: { shop: home } };
    const { document } = parseDocument(written);
    assert.ok(document);
    assert.deepEqual(planned([document], [document, moved, ["shop"]])[0]?.except, [
      "web-1",
      "web-2",
    ]);
    assert.deepEqual(planned([document], [document, moved, ["blog"]])[0]?.except, ["web-1"]);
  });

  it("go on if the profile is removed, whatever its name is", () => {
    const target = { kind: "moved", profile: "constructor" } as const;
    const document = documentOf({ shop: ["web-1"] });
    assert.equal(planned([document], [document, target], [document]).length, 1);
  });
});

describe("the cuts of adopted servers", () => {
  const adopted = { kind: "adopted", server: "web-1" } as const;
  const before = documentOf({ shop: ["web-1"], blog: ["web-1", "web-3"] });
  const after = documentOf({ shop: ["web-2"], blog: ["web-2", "web-3"] });

  it("except the profiles that have come back, and are taken back when all have", () => {
    const cut = { number: 1, target: adopted, except: [], left: ["shop", "blog"] };
    assert.deepEqual(planned([before], [after, adopted]), [cut]);
    const oneBack = documentOf({ shop: ["web-1"], blog: ["web-2"] });
    const rest = { ...cut, except: ["shop"], left: ["blog"] };
    assert.deepEqual(planned([before], [after, adopted], [oneBack]), [rest]);
    assert.deepEqual(planned([before], [after, adopted], [before]), []);
  });

  it("leave the connections of a profile to a later move of it, and the reverse", () => {
    const on = documentOf({ shop: ["web-3"], blog: ["web-2", "web-3"] });
    const [first, second] = planned([before], [after, adopted], [on, moved]);
    assert.deepEqual([first?.except, second?.except], [["shop"], ["web-3"]]);
    const [third, fourth] = planned([before], [after, moved], [after, adopted]);
    assert.deepEqual([third?.except, fourth?.except], [["web-2", "web-1"], []]);
  });
});

describe("the cuts of drained servers", () => {
  const drained = { kind: "drained", server: "web-1" } as const;
  const draining = documentOf({ shop: ["web-1"] }, { "web-1": "drain" });
  const down = documentOf({ shop: ["web-1"] }, { "web-1": "down" });

  it("are taken back when the server is up, and by nothing else", () => {
    const cut = { number: 1, target: drained, except: [], left: [] };
    assert.deepEqual(planned([onOne], [draining, drained], [down]), [cut]);
    assert.deepEqual(planned([onOne], [draining, drained], [down], [onOne]), []);
  });

  it("have the last deadline that was given", () => {
    const cuts = planned([onOne], [draining, drained], [draining, drained]);
    assert.deepEqual(
      cuts.map(({ number }) => number),
      [2],
    );
  });
});
