// @peculiar/x509 needs the metadata API to be there before it loads.
import "reflect-metadata";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  AuthorityInfoAccessExtension,
  CertificatePolicyExtension,
  type Extension,
} from "@peculiar/x509";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { chainFactsOf, type Chain, type KnownRoots } from "./chain-facts.ts";

/** Domain-validated, by the Baseline Requirements. */
const BASELINE_POLICY = new CertificatePolicyExtension(["2.23.140.1.2.1"]);
const ISSUER_ADDRESS = new AuthorityInfoAccessExtension({ caIssuers: "http://ca.example/ca.der" });

const parsed = (pem: string): X509Certificate => new X509Certificate(pem);
const rootsOf = (bundled: readonly TestCa[], system: readonly TestCa[] = []): KnownRoots => {
  const dersOf = (list: readonly TestCa[]) => list.map((ca) => parsed(ca.certificatePem).raw);
  return { bundled: () => dersOf(bundled), system: () => dersOf(system) };
};

async function startPki() {
  const root = await createTestCa("Root");
  const intermediate = await root.issueIntermediate("Intermediate");
  const leafOf = async (ca: TestCa, ...extensions: readonly Extension[]) =>
    parsed((await ca.issue({ names: ["shop.example"], extensions })).certificatePem);
  return {
    root,
    intermediate,
    leafOf,
    rootPem: parsed(root.certificatePem),
    intermediatePem: parsed(intermediate.certificatePem),
  };
}

test("a chain is public if it leads to a root that browsers trust, and says so", async () => {
  const { root, intermediate, leafOf, rootPem, intermediatePem } = await startPki();
  const known = rootsOf([root]);
  const claims = await leafOf(intermediate, BASELINE_POLICY);
  const isPublic = (chain: Chain, roots: KnownRoots): boolean =>
    chainFactsOf(chain, roots).isPublic;
  assert.equal(isPublic([claims, intermediatePem], known), true);
  assert.equal(isPublic([claims, intermediatePem, rootPem], known), true);
  assert.equal(isPublic([await leafOf(intermediate), intermediatePem], known), false);
  // The root of a company is trusted by its machines only.
  assert.equal(isPublic([claims, intermediatePem], rootsOf([], [root])), false);
  // A CA with the name of a public one is not that CA.
  const impostor = await createTestCa("Root");
  const forged = await leafOf(impostor, BASELINE_POLICY);
  assert.equal(isPublic([forged], known), false);
});

test("a chain lacks its issuer if something says that this is an intermediate", async () => {
  const { root, intermediate, leafOf, rootPem, intermediatePem } = await startPki();
  const lackOf = (chain: Chain, roots = rootsOf([])): string | undefined =>
    chainFactsOf(chain, roots).lacksIssuer;
  const claims = await leafOf(intermediate, BASELINE_POLICY);
  const addressed = await leafOf(intermediate, ISSUER_ADDRESS);
  assert.equal(lackOf([claims], rootsOf([root])), "CN=Intermediate");
  assert.equal(lackOf([addressed]), "CN=Intermediate");
  assert.equal(lackOf([addressed, intermediatePem]), undefined);
  assert.equal(lackOf([claims, intermediatePem], rootsOf([root])), undefined);
  // The intermediate is there, after another certificate.
  assert.equal(lackOf([claims, rootPem, intermediatePem]), undefined);
  // Nothing tells a private root from a private intermediate.
  assert.equal(lackOf([await leafOf(intermediate)]), undefined);
  assert.equal(lackOf([await leafOf(root, ISSUER_ADDRESS)], rootsOf([], [root])), undefined);
});

test("a chain is broken where a certificate was not issued by the next one", async () => {
  const { intermediate, leafOf, rootPem, intermediatePem } = await startPki();
  const leaf = await leafOf(intermediate);
  const breakOf = (chain: Chain): number | undefined => chainFactsOf(chain, rootsOf([])).brokenAt;
  assert.equal(breakOf([leaf]), undefined);
  assert.equal(breakOf([leaf, intermediatePem, rootPem]), undefined);
  assert.equal(breakOf([leaf, rootPem, intermediatePem]), 1);
  assert.equal(breakOf([leaf, intermediatePem, leaf]), 2);
  // The name is right and the signature is not.
  const impostor = await createTestCa("Intermediate");
  assert.equal(breakOf([leaf, parsed(impostor.certificatePem)]), 1);
});

test("each certificate of a chain is described", async () => {
  const { intermediate, leafOf, rootPem, intermediatePem } = await startPki();
  const leaf = await leafOf(intermediate);
  const { certificates } = chainFactsOf([leaf, intermediatePem, rootPem], rootsOf([]));
  assert.deepEqual(
    certificates.map(({ subject, issuer, isSelfSigned }) => [subject, issuer, isSelfSigned]),
    [
      ["CN=shop.example", "CN=Intermediate", false],
      ["CN=Intermediate", "CN=Root", false],
      ["CN=Root", "CN=Root", true],
    ],
  );
  const [first] = certificates;
  assert.deepEqual(
    [first?.serialNumber, first?.notAfterMs, first?.fingerprint],
    [
      leaf.serialNumber,
      leaf.validToDate.getTime(),
      leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
    ],
  );
});

test("the roots of Node are the roots of browsers", async () => {
  const { getCACertificates } = await import("node:tls");
  const [root = ""] = getCACertificates("bundled");
  assert.equal(chainFactsOf([parsed(root)]).lacksIssuer, undefined);
});
