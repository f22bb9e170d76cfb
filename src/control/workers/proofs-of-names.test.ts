import assert from "node:assert/strict";
import { it } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import type { MaterialId } from "#model/names.ts";
import { certificateOf, sourcesFor } from "#harness/sample-sources.ts";
import type { CertificateVersion, Sources } from "../certificates/sources.ts";
import { compileSnapshot, type Compiled } from "../compile-snapshot.ts";
import { listenersShownAnew, proofTargetsOf } from "./proof-targets.ts";

/** The names that the certificates cover. */
const COVERED = {
  shop: ["shop.example", "safe.example", "*.wild.example"],
  other: ["other.example"],
  own: ["own.example"],
  far: ["far.example"],
};
type Name = keyof typeof COVERED;

const version = (name: Name, number: number): CertificateVersion => {
  const sample = certificateOf(name);
  return {
    ...sample,
    id: `${name} ${number}` as MaterialId,
    facts: { ...sample.facts, names: COVERED[name], fingerprint: `${name} ${number}` },
    signing: { keySchemes: [0x0403], chainSchemes: [0x0403] },
  };
};

/** Compiles a listener with names, in which one certificate has another version. */
function compiled(names: object, rotated?: Name, listener: object = {}) {
  const { document, problems } = parseDocument({
    servers: { web: { address: "192.0.2.1" } },
    profiles: {
      shop: {
        servers: ["web"],
        vnics: {
          front: {
            ip: "198.51.100.1",
            listeners: [{ port: 443, to: 80, certificates: ["shop", "other"], names, ...listener }],
          },
        },
      },
    },
    certificates: Object.fromEntries(Object.keys(COVERED).map((name) => [name, { chain: name }])),
    policies: {
      new: { minVersion: "TLSv1.3" },
      old: { maxVersion: "TLSv1.2" },
      safe: { maxVersion: "TLSv1.2", clientAuth: { mode: "require", ca: "ca.pem" } },
    },
  });
  assert.ok(document, JSON.stringify(problems));
  const sources: Sources = {
    ...sourcesFor(document, () => false),
    certificates: new Map(
      (Object.keys(COVERED) as Name[]).map((name) => [
        name,
        version(name, name === rotated ? 2 : 1),
      ]),
    ),
  };
  const fixed = { workers: 1, connectionsPerWorker: () => 1 };
  return { sources, compiled: compileSnapshot({ number: 1, document, sources, ...fixed }) };
}

/** Returns the server names and versions with which a rotation is proved. */
function proofsOf(names: object, rotated: Name, listener: object = {}) {
  const before: Compiled = compiled(names, undefined, listener).compiled;
  const { compiled: after, sources } = compiled(names, rotated, listener);
  assert.deepEqual(listenersShownAnew(before.snapshot, after.snapshot), ["front.shop:443"]);
  return proofTargetsOf(before.snapshot, after, sources).map((target) => {
    const { serverName, version: offered } = target.offerOf();
    return [target.certificate, serverName, offered];
  });
}

it("proves a certificate of the listener with a name that has none of its own", () => {
  assert.deepEqual(proofsOf({}, "shop"), [["shop", "shop.example", "TLSv1.3"]]);
  const names = { "shop.example": { certificates: ["own"] }, "*.wild.example": { policy: "old" } };
  assert.deepEqual(proofsOf(names, "shop"), [["shop", "safe.example", "TLSv1.3"]]);
  const more = { ...names, "safe.example": { certificates: ["far"] } };
  assert.deepEqual(proofsOf(more, "shop"), [["shop", "tlsd-proof.wild.example", "TLSv1.2"]]);
});

it("proves nothing that no client may be shown", () => {
  const names = { "other.example": { certificates: ["own"] } };
  assert.deepEqual(proofsOf(names, "other"), []);
  const own = { certificates: ["own"] };
  const all = { "shop.example": own, "safe.example": own, "*.wild.example": own };
  // Clients that send no name are shown the first certificate, unless the listener refuses them.
  assert.deepEqual(proofsOf(all, "shop"), [["shop", undefined, "TLSv1.3"]]);
  assert.deepEqual(proofsOf(all, "shop", { strictServerName: true }), []);
});

it("proves a certificate of names with one of these, and with its policy", () => {
  assert.deepEqual(proofsOf({ "own.example": { certificates: ["own"], policy: "safe" } }, "own"), [
    ["own", "own.example", "TLSv1.2"],
  ]);
  // The certificate does not cover the name, but is shown for it.
  assert.deepEqual(proofsOf({ "*.a.example": { certificates: ["own"] } }, "own"), [
    ["own", "tlsd-proof.a.example", "TLSv1.3"],
  ]);
  const strict = { strictServerName: true };
  assert.deepEqual(proofsOf({ "a.example": { certificates: ["own"] } }, "own", strict), [
    ["own", "a.example", "TLSv1.3"],
  ]);
});

it("prefers a name for which no other certificate is shown", () => {
  const names = {
    "own.example": { certificates: ["own", "far"] },
    "alone.example": { certificates: ["own"] },
  };
  assert.deepEqual(proofsOf(names, "own"), [["own", "alone.example", "TLSv1.3"]]);
  const { compiled: after, sources } = compiled(
    { "a.example": { certificates: ["own", "far"] } },
    "own",
  );
  const before = compiled({ "a.example": { certificates: ["own", "far"] } }).compiled;
  const [target] = proofTargetsOf(before.snapshot, after, sources);
  assert.equal(target?.tryOther("far 1", "a.example"), "far");
  assert.equal(target?.tryOther("shop 1", "a.example"), undefined);
});
