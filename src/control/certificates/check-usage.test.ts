import assert from "node:assert/strict";
import { it } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { unfitPolicies } from "./check-usage.ts";

const suites = ["ECDHE-ECDSA-AES128-GCM-SHA256"];

function documentWith(minVersion: "TLSv1.2" | "TLSv1.3", certificates: readonly string[]) {
  const { draft } = parseDocument({
    servers: { web: { address: "192.0.2.1" } },
    profiles: {
      shop: {
        servers: ["web"],
        vnics: {
          front: {
            ip: "198.51.100.1",
            listeners: [{ port: 443, to: 80, certificates, policy: "narrow" }],
          },
        },
      },
    },
    policies: {
      narrow: { minVersion, ...(minVersion === "TLSv1.2" ? { cipherSuites: suites } : {}) },
    },
    certificates: { shop: { source: "inventory" }, other: { source: "inventory" } },
  });
  return draft;
}

it("finds a policy that a new type of key does not fit, although another certificate of the listener does", () => {
  const document = documentWith("TLSv1.2", ["shop", "other"]);
  const problems = unfitPolicies(document, "shop", "rsa");
  assert.deepEqual(
    problems.map(({ code, path }) => [code, path]),
    [["suite-without-key-type", "profiles.shop.vnics.front.listeners[0].policy"]],
  );
  assert.deepEqual(unfitPolicies(document, "shop", "ecdsa"), []);
  assert.deepEqual(unfitPolicies(documentWith("TLSv1.2", ["other"]), "shop", "rsa"), []);
  assert.deepEqual(unfitPolicies(documentWith("TLSv1.3", ["shop"]), "shop", "rsa"), []);
});
