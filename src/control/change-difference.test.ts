import assert from "node:assert/strict";
import { test } from "node:test";
import type { MaterialId } from "#model/names.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import type { TrustVersion } from "./certificates/sources.ts";
import { differenceOf, NO_DIFFERENCE, type NamedState } from "./change-difference.ts";

const stateOf = (document: object, trustId = "t1"): NamedState => {
  const trust: TrustVersion = {
    id: trustId as MaterialId,
    validity: { authorities: [], lists: [] },
    material: { kind: "trust", caPem: "", crlPem: undefined },
  };
  const sources = { certificates: new Map(), trusts: new Map([["partners.pem", trust]]) };
  return { document: parseDocument(document).draft, sources };
};

const DOCUMENT = {
  servers: { "web-1": { address: "127.0.0.1" }, "web-2": { address: "127.0.0.2" } },
  profiles: {
    shop: {
      servers: ["web-1"],
      vnics: {
        front: { ip: "127.0.0.1", listeners: [{ port: 8443, to: 80, certificates: ["shop"] }] },
        back: { ip: "127.0.0.2", listeners: [{ port: 8080, mode: "redirect" }] },
      },
    },
  },
  certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
  policies: { partners: { clientAuth: { mode: "require", ca: "partners.pem" } } },
};

test("equal states have no difference", () => {
  assert.deepEqual(differenceOf(stateOf(DOCUMENT), stateOf(DOCUMENT)), NO_DIFFERENCE);
});

test("the first state adds everything", () => {
  const difference = differenceOf(undefined, stateOf(DOCUMENT));
  assert.deepEqual(difference.servers.added, ["web-1", "web-2"]);
  assert.deepEqual(difference.profiles.added, ["shop"]);
  assert.deepEqual(difference.vnics.added, ["front.shop", "back.shop"]);
  assert.deepEqual(difference.listeners.added, ["front.shop:8443", "back.shop:8080"]);
  assert.deepEqual(difference.certificates.added, ["shop"]);
  assert.deepEqual(difference.policies.added, ["partners"]);
});

test("only the innermost part that differs counts as changed", () => {
  const { shop } = DOCUMENT.profiles;
  const { front, back } = shop.vnics;
  const after = {
    ...DOCUMENT,
    servers: { "web-2": { address: "127.0.0.3" }, "web-3": { address: "127.0.0.1" } },
    profiles: {
      shop: {
        ...shop,
        vnics: {
          front: { ...front, listeners: [{ port: 8443, to: 81, certificates: ["shop"] }] },
          back: { ...back, admin: "down" },
        },
      },
    },
  };
  assert.deepEqual(differenceOf(stateOf(DOCUMENT), stateOf(after)), {
    ...NO_DIFFERENCE,
    servers: { added: ["web-3"], removed: ["web-1"], changed: ["web-2"] },
    vnics: { added: [], removed: [], changed: ["back.shop"] },
    listeners: { added: [], removed: [], changed: ["front.shop:8443"] },
  });
});

test("new contents of a file change the part that names it", () => {
  assert.deepEqual(differenceOf(stateOf(DOCUMENT, "t1"), stateOf(DOCUMENT, "t2")), {
    ...NO_DIFFERENCE,
    policies: { added: [], removed: [], changed: ["partners"] },
  });
});

test("a list has at most 100 names, and the others are counted", () => {
  const servers = Object.fromEntries(
    Array.from({ length: 130 }, (_, index) => [`web-${index}`, { address: `127.0.1.${index}` }]),
  );
  const difference = differenceOf(stateOf({ servers: {} }), stateOf({ servers }));
  assert.equal(difference.servers.added.length, 100);
  assert.equal(difference.unnamed, 30);
});
