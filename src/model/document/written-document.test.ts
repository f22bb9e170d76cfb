import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "./parse-document.ts";
import { effectiveOf, inSchemaOrder, writtenOf } from "./written-document.ts";

const ip = "198.51.100.1";
const redirect = (port: number) => ({ port, mode: "redirect" });

describe("writtenOf", () => {
  it("leaves out director, empty maps of names and empty lists of listeners, and sorts the listeners", () => {
    const value = {
      director: { workers: 2 },
      servers: {},
      certificates: {},
      profiles: {
        empty: { vnics: {}, servers: [] },
        shop: {
          vnics: {
            back: { ip, listeners: [] },
            front: { ip, qos: {}, listeners: [redirect(80), redirect(8)] },
          },
        },
      },
    };
    const copy = structuredClone(value);
    assert.deepEqual(writtenOf(value), {
      profiles: {
        empty: { servers: [] },
        shop: {
          vnics: { back: { ip }, front: { ip, qos: {}, listeners: [redirect(8), redirect(80)] } },
        },
      },
    });
    assert.deepEqual(value, copy);
  });

  it("keeps what was written, without defaults, under any name", () => {
    const chain = { chain: "a.pem" };
    const certificates = JSON.parse(
      '{"__proto__":{"chain":"a.pem"},"constructor":{"chain":"a.pem"}}',
    ) as object;
    const { written } = parseDocument({ certificates });
    assert.deepEqual(Object.entries(written?.certificates ?? {}), [
      ["__proto__", chain],
      ["constructor", chain],
    ]);
  });

  it("has defaults only in effect", () => {
    const { document, written } = parseDocument({ profiles: { shop: {} } });
    assert.ok(document);
    assert.deepEqual(written, { profiles: { shop: {} } });
    assert.deepEqual(effectiveOf(written, document.director), document);
    assert.equal(parseDocument({ profiles: 1 }).written, undefined);
  });
});

it("inSchemaOrder sorts keys as the schema does, and names by their numbers", () => {
  const written = {
    certificates: { shop: { key: "a.key", chain: "a.pem" } },
    profiles: {
      shop: {
        vnics: {
          front: { listeners: [{ to: 80, mode: "tcp", port: 1, certificates: ["b", "a"] }], ip },
        },
        balance: "client-hash",
      },
    },
    servers: { "web-10": { address: ip }, "web-2": { address: ip } },
  };
  assert.equal(
    JSON.stringify(inSchemaOrder(written)),
    JSON.stringify({
      servers: { "web-2": { address: ip }, "web-10": { address: ip } },
      profiles: {
        shop: {
          balance: "client-hash",
          vnics: {
            front: { ip, listeners: [{ port: 1, mode: "tcp", to: 80, certificates: ["b", "a"] }] },
          },
        },
      },
      certificates: { shop: { chain: "a.pem", key: "a.key" } },
    }),
  );
});
