import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateFacts, ChainFacts } from "#model/document/certificate.ts";
import { problemOf } from "#model/problem.ts";
import { ATTENTION_CODES } from "#model/records/attention.ts";
import { certificateOf } from "#harness/sample-sources.ts";
import { attentionOf, type Judged } from "./attention.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const USED: Judged["usedBy"] = [{ shownTo: "clients" }];

interface Changes {
  readonly facts?: Partial<CertificateFacts>;
  readonly chain?: Partial<ChainFacts>;
  readonly judged?: Partial<Judged>;
}

/** A certificate that is valid from 10 days ago for 90 days, with changes. */
function judgedOf({ facts = {}, chain = {}, judged = {} }: Changes): Judged {
  const sample = certificateOf("shop");
  const period = { notBeforeMs: NOW_MS - 10 * DAY_MS, notAfterMs: NOW_MS + 80 * DAY_MS };
  const version = {
    isForServers: true,
    facts: { ...sample.facts, ...period, ...facts },
    chain: { ...sample.chain, ...chain },
  };
  return { version, refusals: [], warnings: [], usedBy: USED, ...judged };
}

const codesOf = (changes: Changes, nowMs = NOW_MS): readonly string[] =>
  attentionOf(judgedOf(changes), nowMs).map(({ code }) => code);
const messageOf = (changes: Changes): string =>
  attentionOf(judgedOf(changes), NOW_MS)[0]?.message ?? "";

const certificateIn = (isSelfSigned: boolean, notAfterMs = NOW_MS + DAY_MS) => ({
  subject: "CN=CA",
  issuer: "CN=CA",
  serialNumber: "01",
  fingerprint: "",
  notBeforeMs: 0,
  notAfterMs,
  isSelfSigned,
});

test("a certificate that is in order needs no attention", () => {
  assert.deepEqual(codesOf({}), []);
});

test("a certificate is expired from the end of its last second on", () => {
  const facts = { notAfterMs: NOW_MS };
  assert.deepEqual(codesOf({ facts }), ["expired"]);
  assert.deepEqual(codesOf({ facts }, NOW_MS - 1), ["expiring"]);
});

test("a certificate is not yet valid before its first moment", () => {
  const facts = { notBeforeMs: NOW_MS };
  assert.deepEqual(codesOf({ facts }, NOW_MS - 1), ["not-yet-valid"]);
  assert.deepEqual(codesOf({ facts }), []);
});

test("a certificate is expiring when less than 14 days and less than a third of its life are left", () => {
  const facts = { notBeforeMs: NOW_MS - 76 * DAY_MS, notAfterMs: NOW_MS + 14 * DAY_MS };
  assert.deepEqual(codesOf({ facts }), []);
  assert.deepEqual(codesOf({ facts }, NOW_MS + 1), ["expiring"]);
  const short = { notBeforeMs: NOW_MS - 4 * DAY_MS, notAfterMs: NOW_MS + 2 * DAY_MS };
  assert.deepEqual(codesOf({ facts: short }), []);
  assert.deepEqual(codesOf({ facts: short }, NOW_MS + 1), ["expiring"]);
});

test("a refusal says why, and which version is served", () => {
  const refusals = [problemOf("key-mismatch", "", "The key does not match.")];
  assert.deepEqual(codesOf({ judged: { refusals } }), ["refused"]);
  assert.equal(
    messageOf({ judged: { refusals } }),
    "The key does not match. The previous version is served.",
  );
  const judged = { refusals, version: undefined };
  assert.equal(messageOf({ judged }), "The key does not match. No version of it can be served.");
});

test("a refusal of the engine is also told as such", () => {
  const refusals = [problemOf("engine-lacks-key", "", "Engine bun does not accept it.")];
  assert.deepEqual(codesOf({ judged: { refusals } }), ["refused", "not-servable"]);
});

test("a certificate that no listener refers to is unused", () => {
  assert.deepEqual(codesOf({ judged: { usedBy: [] } }), ["unused"]);
  assert.deepEqual(codesOf({ judged: { usedBy: [{ shownTo: "endpoints" }] } }), []);
});

test("a costly key says what a signature costs", () => {
  const rsa = (keySize: number): Changes => ({ facts: { keyType: "rsa", keySize } });
  const ecdsa = (keySize: number): Changes => ({ facts: { keyType: "ecdsa", keySize } });
  for (const cheap of [rsa(2048), rsa(3072), ecdsa(256), ecdsa(384)]) {
    assert.deepEqual(codesOf(cheap), []);
  }
  for (const costly of [rsa(4096), rsa(8192), ecdsa(521)]) {
    assert.deepEqual(codesOf(costly), ["key-costly"]);
  }
  assert.match(messageOf(rsa(4096)), /rsa with 4096 bits, which takes about 4\.9 ms .* 1\.7 ms/);
  assert.match(messageOf(rsa(8192)), /takes about 39 ms .* 14 ms/);
});

test("a chain is incomplete, out of order, or sends its root along", () => {
  const leaf = certificateIn(false);
  const root = certificateIn(true);
  assert.deepEqual(codesOf({ chain: { lacksIssuer: "CN=CA" } }), ["chain-incomplete"]);
  assert.deepEqual(codesOf({ chain: { brokenAt: 1 } }), ["chain-order"]);
  assert.deepEqual(codesOf({ chain: { certificates: [leaf, leaf] } }), []);
  assert.deepEqual(codesOf({ chain: { certificates: [leaf, root] } }), ["root-in-chain"]);
  // A self-signed certificate is its own root.
  assert.deepEqual(codesOf({ chain: { certificates: [root] } }), []);
  const expired = { certificates: [leaf, certificateIn(false, NOW_MS)] };
  assert.deepEqual(codesOf({ chain: expired }), ["intermediate-expired"]);
});

test("a certificate of a public CA may not be valid for longer than the limit in force at its start", () => {
  const tooLong = (start: string, days: number, isPublic = true): readonly string[] => {
    const notBeforeMs = Date.parse(start);
    const facts = { notBeforeMs, notAfterMs: notBeforeMs + days * DAY_MS };
    return codesOf({ facts, chain: { isPublic } }, notBeforeMs);
  };
  const limits = [
    ["2025-11-01T00:00:00Z", 398],
    ["2026-03-14T23:59:59Z", 398],
    ["2026-03-15T00:00:00Z", 200],
    ["2027-03-14T23:59:59Z", 200],
    ["2027-03-15T00:00:00Z", 100],
    ["2029-03-14T23:59:59Z", 100],
    ["2029-03-15T00:00:00Z", 47],
  ] as const;
  for (const [start, days] of limits) {
    assert.deepEqual(tooLong(start, days), [], `${start} ${days}`);
    assert.deepEqual(tooLong(start, days + 1), ["validity-too-long"], `${start} ${days + 1}`);
    assert.deepEqual(tooLong(start, days + 1, false), [], `private, ${start}`);
  }
});

test("a certificate that was not issued for servers needs attention only if clients see it", () => {
  const { version, ...others } = judgedOf({});
  assert.ok(version !== undefined);
  const shownTo = (side: "clients" | "endpoints") => {
    const judged = { ...others, version: { ...version, isForServers: false } };
    return attentionOf({ ...judged, usedBy: [{ shownTo: side }] }, NOW_MS).map(({ code }) => code);
  };
  assert.deepEqual(shownTo("clients"), ["key-usage"]);
  assert.deepEqual(shownTo("endpoints"), []);
});

test("the most urgent reason comes first, and each is told once", () => {
  const changes: Changes = {
    facts: { keyType: "rsa", keySize: 4096, notAfterMs: NOW_MS },
    chain: {
      isPublic: true,
      lacksIssuer: "CN=CA",
      brokenAt: 1,
      certificates: [certificateIn(false), certificateIn(true)],
    },
    judged: {
      usedBy: [],
      refusals: [problemOf("engine-lacks-key", "", "Engine bun does not accept it.")],
      warnings: [
        problemOf("pem-not-used", "", "A block is not used."),
        problemOf("pem-not-used", "", "A block is not used."),
        problemOf("chain-large", "", "The chain is large."),
      ],
    },
  };
  const codes = codesOf({ ...changes, facts: { ...changes.facts, notBeforeMs: 0 } });
  assert.deepEqual(codes, [
    "expired",
    "refused",
    "unused",
    "key-costly",
    "chain-incomplete",
    "chain-order",
    "root-in-chain",
    "validity-too-long",
    "not-servable",
    "chain-large",
    "pem-not-used",
  ]);
  assert.deepEqual(
    codes,
    ATTENTION_CODES.filter((code) => codes.includes(code)),
  );
});
