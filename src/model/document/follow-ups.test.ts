import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "./parse-document.ts";

const DOCUMENT = {
  director: { workers: 2, observe: "127.0.0.1:9180", drain: "5s" },
  servers: { "web-1": { address: "192.0.2.1" }, "web-2": { address: "192.0.2.2" } },
  profiles: {
    shop: {
      servers: ["web-1"],
      standby: ["web-2"],
      vnics: {
        front: {
          ip: "198.51.100.1",
          qos: { maxConnections: 5 },
          listeners: [
            {
              ...{ port: 443, to: 80, certificates: ["shop", "*.rsa.example"], policy: "partners" },
              endpointTls: { verify: true, ca: "ca.pem", certificate: "shop" },
            },
            { port: 80, mode: "redirect", to: 443 },
            { port: 9000, mode: "egress", to: "payments.example:443" },
          ],
        },
      },
    },
  },
  certificates: { shop: { chain: "shop.pem" }, "*.rsa.example": { chain: "r.pem", key: "r.key" } },
  policies: {
    partners: {
      ...{ base: "modern", minVersion: "TLSv1.2", cipherSuites: ["TLS_AES_128_GCM_SHA256"] },
      clientAuth: { mode: "require", ca: "ca.pem" },
    },
  },
};

type Steps = readonly (string | number)[];

function stepsIn(value: unknown, steps: Steps = []): readonly Steps[] {
  if (typeof value !== "object" || value === null) return [steps];
  const isList = Array.isArray(value);
  const below = Object.entries(value).flatMap(([key, child]) =>
    stepsIn(child, [...steps, isList ? Number(key) : key]),
  );
  return steps.length === 0 ? below : [steps, ...below];
}

/** Returns a copy in which `change` has changed the map or list above the last step. */
function changed(
  steps: Steps,
  change: (parent: Record<string | number, unknown>, last: string | number) => void,
): unknown {
  const copy: unknown = structuredClone(DOCUMENT);
  const parent = steps
    .slice(0, -1)
    .reduce((node, step) => (node as Record<string | number, unknown>)[step], copy);
  change(parent as Record<string | number, unknown>, steps.at(-1) ?? "");
  return copy;
}

const errorsOf = (value: unknown): readonly string[] =>
  parseDocument(value)
    .problems.filter(({ severity }) => severity === "error")
    .map(({ code, path, message }) => `${code} ${path}: ${message}`);

describe("one mistake in a document", () => {
  const places = stepsIn(DOCUMENT);
  // Without its suite of TLS 1.2, the policy of the document has a mistake already.
  const own = errorsOf(DOCUMENT);
  assert.equal(own.length, 1);

  it("is one problem if a value has the wrong type", () => {
    assert.ok(places.length > 40);
    for (const steps of places) {
      for (const wrong of [5.5, "x!", null, [[]], true]) {
        const errors = errorsOf(
          changed(steps, (parent, last) => {
            parent[last] = wrong;
          }),
        ).filter((error) => !own.includes(error));
        assert.ok(errors.length <= 1, `${steps.join(".")} ${String(wrong)}\n${errors.join("\n")}`);
      }
    }
  });

  it("is one problem if a key that the schema knows is misspelt", () => {
    const isSchemaKey = (steps: Steps): boolean =>
      typeof steps.at(-1) === "string" &&
      !["shop", "front", "partners"].includes(String(steps.at(-1)));
    const known = places
      .filter(isSchemaKey)
      .filter((steps) => !/web-|rsa/.test(String(steps.at(-1))));
    assert.ok(known.length > 25);
    for (const steps of known) {
      const errors = errorsOf(
        changed(steps, (parent, last) => {
          parent[`${last}q`] = parent[last];
          delete parent[last];
        }),
      ).filter((error) => !own.includes(error));
      assert.equal(errors.length, 1, `${steps.join(".")}\n${errors.join("\n")}`);
    }
  });

  it("hides no other mistake", () => {
    const value = changed(["servers", "web-1", "address"], (parent) => {
      parent["address"] = 5;
    });
    const other = structuredClone(value) as typeof DOCUMENT;
    other.profiles.shop.servers.push("web-3");
    other.policies.partners.clientAuth.mode = "x";
    assert.deepEqual(
      errorsOf(other).map((error) => error.split(":")[0]),
      [
        "bad-value servers.web-1.address",
        "bad-value policies.partners.clientAuth.mode",
        "version-without-suite policies.partners.cipherSuites",
        "unknown-server profiles.shop.servers[1]",
      ],
    );
  });
});
