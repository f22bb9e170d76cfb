import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "./parse-document.ts";

const problemsOf = (value: object): readonly string[] =>
  parseDocument(value).problems.map(({ code, path }) => `${code} ${path}`);

/** A document whose listener and endpointTls refer to the certificate. */
function documentWith(name: string): object {
  const endpointTls = { serverName: "web.example", certificate: name };
  const listener = { port: 8443, to: 8080, certificates: [name], endpointTls };
  return {
    servers: { web: { address: "192.0.2.1" } },
    profiles: {
      shop: { servers: ["web"], vnics: { front: { ip: "198.51.100.1", listeners: [listener] } } },
    },
    certificates: Object.fromEntries([[name, { chain: "shop.pem" }]]),
  };
}

const label = "a".repeat(61);
const longest = `*.${Array.from({ length: 4 }, () => label).join(".")}.${"b".repeat(3)}`;

describe("names of certificates", () => {
  it("are labels that single dots join, with an optional `*.` before them", () => {
    assert.equal(longest.length, 253);
    for (const name of [
      "shop",
      "shop.example",
      "*.shop.example",
      "*.local",
      "shop_1",
      "_acme-.-x",
      "0",
      "__proto__",
      "constructor",
      "a".repeat(253),
      longest,
    ]) {
      assert.deepEqual(problemsOf(documentWith(name)), [], name);
    }
  });

  it("are refused otherwise, where they are defined and where they are used, with what is wrong", () => {
    const faults: Readonly<Record<string, string>> = {
      "": "it is empty",
      ".": "a dot must stand between two labels",
      "a..b": "a dot must stand between two labels",
      ".a": "a dot must stand between two labels",
      "a.": "a dot must stand between two labels",
      "*.": "a dot must stand between two labels",
      "*": "a `*` needs a dot and a name after it",
      "a.*.b": "a `*` can only be the whole first label",
      "*a.b": "a `*` can only be the whole first label",
      "*.*.b": "a `*` can only be the whole first label",
      "Shop.example": "it has upper-case letters",
      "shop example": 'it has the character " "',
      "shop/example": 'it has the character "/"',
      shöp: 'it has the character "ö"',
      "shop\n": 'it has the character "\\n"',
      ["a".repeat(254)]: "it has 254 characters, and at most 253 are allowed",
    };
    const used = "profiles.shop.vnics.front.listeners[0]";
    for (const [name, fault] of Object.entries(faults)) {
      const { document, problems } = parseDocument(documentWith(name));
      assert.equal(document, undefined, name);
      const [where, ...others] = problems
        .filter(({ code }) => code === "bad-certificate-name")
        .map(({ path, message }) => {
          assert.ok(message.endsWith(` is not a name of a certificate: ${fault}.`), message);
          return path;
        })
        .toSorted();
      assert.match(where ?? "", /^certificates[.[]/);
      assert.deepEqual(others, [`${used}.certificates[0]`, `${used}.endpointTls.certificate`]);
    }
  });

  it("are quoted completely in the paths of problems, so that two of them are never confused", () => {
    const certificates = Object.fromEntries(
      ["x", "y"].map((end) => [`${longest.slice(0, 252)}${end}`, { chain: 7 }]),
    );
    assert.deepEqual(problemsOf({ certificates }), [
      `bad-value certificates["${longest.slice(0, 252)}x"].chain`,
      `bad-value certificates["${longest.slice(0, 252)}y"].chain`,
    ]);
  });

  it("are not those of servers, profiles, vNICs and policies", () => {
    for (const kind of ["servers", "profiles", "policies"]) {
      const [place] = problemsOf({ [kind]: { "a.b": {} } });
      assert.equal(place, `bad-name ${kind}["a.b"]`);
    }
    assert.deepEqual(problemsOf({ profiles: { shop: { vnics: { shop_1: {} } } } }), [
      "bad-name profiles.shop.vnics.shop_1",
    ]);
  });
});
