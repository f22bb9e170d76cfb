import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyChanges, differenceByPath, inverseOf, type PathChange } from "./path-change.ts";
import { writtenOf, type WrittenDocument } from "./written-document.ts";

const address = "192.0.2.1";
const ip = "198.51.100.1";

const documentWith = (listeners: readonly object[], more: object = {}): WrittenDocument =>
  writtenOf({
    servers: { "web-1": { address }, "web-2": { address } },
    profiles: { shop: { servers: ["web-1"], vnics: { front: { ip, listeners } } } },
    ...more,
  });

const FRONT = ["profiles", "shop", "vnics", "front"];

function undo(before: WrittenDocument, after: WrittenDocument, now: WrittenDocument) {
  return applyChanges(now, inverseOf(differenceByPath(before, after)));
}

describe("differenceByPath", () => {
  it("names what was added, removed and replaced, in a fixed order", () => {
    const before = documentWith([{ port: 443, to: 8080, allowFrom: ["a"] }, { port: 80 }]);
    const after = documentWith(
      [
        { port: 443, to: 9090, allowFrom: ["a", "b"] },
        { port: 8443, to: 1 },
      ],
      { servers: { "web-10": { address }, "web-1": { address }, "web-9": { address } } },
    );
    const expected: readonly PathChange[] = [
      { path: ["servers", "web-2"], before: { address } },
      { path: ["servers", "web-9"], after: { address } },
      { path: ["servers", "web-10"], after: { address } },
      { path: [...FRONT, "listeners", "80"], before: { port: 80 } },
      { path: [...FRONT, "listeners", "443", "allowFrom"], before: ["a"], after: ["a", "b"] },
      { path: [...FRONT, "listeners", "443", "to"], before: 8080, after: 9090 },
      { path: [...FRONT, "listeners", "8443"], after: { port: 8443, to: 1 } },
    ];
    assert.deepEqual(differenceByPath(before, after), expected);
  });

  it("takes a profile that comes or goes as one change, and its vNICs one by one otherwise", () => {
    const shop = { vnics: { front: { ip } } };
    assert.deepEqual(differenceByPath({}, { profiles: { shop } }), [
      { path: ["profiles", "shop"], after: shop },
    ]);
    assert.deepEqual(differenceByPath({ profiles: { shop: {} } }, { profiles: { shop } }), [
      { path: FRONT, after: { ip } },
    ]);
  });

  it("sees no difference in the order of keys, and one in the order of a list", () => {
    const one = { profiles: { shop: { servers: ["a", "b"], balance: "client-hash" } } };
    const other = { profiles: { shop: { balance: "client-hash", servers: ["a", "b"] } } };
    assert.deepEqual(differenceByPath(one, other), []);
    const swapped = { profiles: { shop: { ...other.profiles.shop, servers: ["b", "a"] } } };
    assert.equal(differenceByPath(one, swapped).length, 1);
  });
});

describe("an inverse difference", () => {
  const before = documentWith([{ port: 443, to: 1 }]);
  const after = documentWith([{ port: 443, to: 2 }]);

  it("keeps what others have changed meanwhile", () => {
    const now = documentWith([{ port: 80 }, { port: 443, to: 2, accessLog: "full" }]);
    assert.deepEqual(undo(before, after, now), {
      document: documentWith([{ port: 80 }, { port: 443, to: 1, accessLog: "full" }]),
    });
  });

  it("is refused as a whole, with the paths that have changed since", () => {
    const wider = documentWith([{ port: 443, to: 2 }], { policies: { own: {} } });
    const now = documentWith([{ port: 443, to: 3 }], { policies: { own: {} } });
    assert.deepEqual(undo(before, wider, now), {
      conflicts: [[...FRONT, "listeners", "443", "to"]],
    });
    const gone = documentWith([]);
    assert.deepEqual(undo(before, after, gone), {
      conflicts: [[...FRONT, "listeners", "443", "to"]],
    });
  });

  it("does not remove what has grown since it was added", () => {
    const added = documentWith([{ port: 443, to: 1 }, { port: 80 }]);
    const grown = documentWith([
      { port: 443, to: 1 },
      { port: 80, accessLog: "full" },
    ]);
    assert.deepEqual(undo(before, added, grown), { conflicts: [[...FRONT, "listeners", "80"]] });
  });

  it("puts back the last listener of a vNIC and the last server, but nothing without its owner", () => {
    const empty = writtenOf({
      profiles: { shop: { servers: ["web-1"], vnics: { front: { ip } } } },
    });
    assert.deepEqual(undo(before, empty, empty), { document: before });
    const ownerless = undo(before, documentWith([]), writtenOf({}));
    assert.deepEqual(ownerless, { conflicts: [[...FRONT, "listeners", "443"]] });
  });

  it("leaves no empty map when it takes back the first entry", () => {
    const first = { servers: { "web-1": { address } } };
    assert.deepEqual(undo({}, first, first), { document: {} });
  });

  it("treats a name that every object inherits like any other", () => {
    const one = writtenOf(JSON.parse('{"certificates":{"__proto__":{"chain":"a"}}}'));
    const two = writtenOf(
      JSON.parse('{"certificates":{"__proto__":{"chain":"b"},"x":{"chain":"c"}}}'),
    );
    const undone = undo(one, two, two);
    assert.ok("document" in undone);
    assert.equal(JSON.stringify(undone.document), JSON.stringify(one));
    const constructors = { policies: { constructor: { tickets: false } } };
    assert.deepEqual(undo({}, constructors, constructors), { document: {} });
  });
});
