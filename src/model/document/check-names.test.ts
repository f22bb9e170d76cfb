import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument, type ParsedDocument } from "./parse-document.ts";
import { explainRemoved } from "./known-names.ts";
import { listedNamesOf, MAX_NAME_ROUTES, MAX_NAMES, nameRoutesOf } from "./names-option.ts";

const TCP = { port: 443, to: 8080, certificates: ["shop"] };
const PLACE = "profiles.shop.vnics.front.listeners[0]";

const documentWith = (listener: object, more: object = {}): object => ({
  servers: {
    "web-1": { address: "192.0.2.1" },
    "web-2": { address: "192.0.2.2" },
    front: { address: "198.51.100.1" },
  },
  profiles: {
    shop: { servers: ["web-1"], vnics: { front: { ip: "198.51.100.1", listeners: [listener] } } },
    api: { servers: ["web-2"] },
    empty: {},
    self: { servers: ["front"] },
    ...more,
  },
  certificates: { shop: { chain: "shop.pem" }, other: { chain: "other.pem" } },
  policies: { partners: { base: "modern" } },
});

const parse = (names: unknown, listener: object = TCP): ParsedDocument =>
  parseDocument(documentWith({ ...listener, names }));

function assertPlaces(names: unknown, ...expected: readonly string[]): void {
  const { problems } = parse(names);
  const places = problems.map(({ code, path }) => `${code} ${path.replace(`${PLACE}.names`, "")}`);
  assert.deepEqual(places, expected);
}

function tcpListenerOf({ document, problems }: ParsedDocument) {
  const listener = document?.profiles["shop"]?.vnics["front"]?.listeners[0];
  assert.ok(listener?.mode === "tcp", JSON.stringify(problems));
  return listener;
}

describe("the names of a listener", () => {
  it("may be exact or wildcards, with what differs from the listener", () => {
    assertPlaces({});
    assertPlaces({
      "shop.example.com": { certificates: ["shop", "other"], policy: "partners" },
      "*.example.com": { profile: "api", to: 8081 },
      "Www.Example.COM.": {},
      "xn--mnchen-3ya.example": { policy: "modern" },
      "a_b.example": { to: "unix:/run/app.sock" },
      localhost: { to: 8081 },
    });
  });

  it("must be names that a client can send", () => {
    const bad = [
      "192.0.2.1",
      "[::1]",
      "*.com",
      "*",
      "a..b",
      "a.example:443",
      "-a.example",
      "münchen.de",
    ];
    for (const key of bad) assertPlaces({ [key]: {} }, `bad-server-name ["${key}"]`);
    for (const key of ["", "a b", "a".repeat(256)]) {
      const [problem] = parse({ [key]: {} }).problems;
      assert.equal(problem?.code, "bad-server-name", key);
    }
    const hintOf = (key: string): string => parse({ [key]: {} }).problems[0]?.hint ?? "";
    assert.equal(hintOf("münchen.de"), "Write it as xn--mnchen-3ya.de.");
    assert.equal(hintOf("*.münchen.de"), "Write it as *.xn--mnchen-3ya.de.");
    assert.match(hintOf("ü/b"), /A-labels/);
  });

  it("must differ in their normal form", () => {
    assertPlaces(
      { "a.example": {}, "A.example": {}, "a.example.": {} },
      'duplicate-server-name ["A.example"]',
      'duplicate-server-name ["a.example."]',
    );
    assertPlaces({ "*.a.example": {}, "*.A.example": {} }, 'duplicate-server-name ["*.A.example"]');
    const { names } = tcpListenerOf(parse({ "A.Example.": { policy: "partners" } }));
    assert.deepEqual(listedNamesOf({ names }), [
      { name: "a.example", key: "A.Example.", policy: "partners" },
    ]);
  });

  it("refer to what the document has", () => {
    assertPlaces(
      { "a.example": { certificates: ["shop", "no"], policy: "no", profile: "no", to: "8080" } },
      'unknown-certificate ["a.example"].certificates[1]',
      'unknown-policy ["a.example"].policy',
      'unknown-profile ["a.example"].profile',
      'bad-endpoint ["a.example"].to',
      'not-used ["a.example"].profile',
    );
    assertPlaces(
      { "a.example": { certificates: ["shop", "shop"], more: 1 } },
      'unknown-key ["a.example"].more',
      'bad-value ["a.example"].certificates[1]',
    );
    const { problems } = parse({ "a.example": { profile: "apy" } });
    assert.equal(problems[0]?.hint, "Did you mean `api`?");
    const told = explainRemoved(problems, { profiles: { apy: {} } }, { profiles: { api: {} } });
    assert.equal(told[0]?.message, 'The profile "apy" would be removed, but is used here.');
  });

  it("may not lead to the director itself, and should lead to a server", () => {
    assertPlaces({ "a.example": { to: 443 } });
    assertPlaces(
      { "a.example": { profile: "self", to: 443 } },
      'endpoint-loop ["a.example"].profile',
    );
    assertPlaces({ "a.example": { profile: "self", to: 444 } });
    assertPlaces({ "a.example": { profile: "empty" } }, 'no-server ["a.example"].profile');
    const { problems } = parse({ "a.example": { to: 443 } }, { ...TCP, to: 80 });
    assert.deepEqual(problems, []);
  });

  it("should not require client certificates for endpoints that other clients reach without", () => {
    const clientAuth = { mode: "require", ca: "ca.pem" };
    const placesIn = (names: object, listener: object = {}): readonly string[] =>
      parseDocument({
        ...documentWith({ ...TCP, ...listener, names }),
        policies: {
          safe: { clientAuth },
          asks: { clientAuth: { ...clientAuth, mode: "request" } },
        },
      }).problems.map(({ code, path, message }) => `${code} ${path.replace(PLACE, "")} ${message}`);
    const names = { "a.example": { policy: "safe" }, "b.example": { policy: "safe", to: 8080 } };
    assert.deepEqual(placesIn(names), [
      'client-auth-by-name .names["a.example"].policy Clients reach the endpoints of a.example, and 1 more without a client certificate if they send no server name.',
    ]);
    assert.equal(placesIn(names, { policy: "asks" }).length, 1);
    assert.deepEqual(placesIn(names, { policy: "safe" }), []);
    assert.deepEqual(placesIn(names, { mode: "http" }), []);
    assert.deepEqual(placesIn({ "a.example": { policy: "safe", profile: "api" } }), []);
    assert.deepEqual(placesIn({ "a.example": { policy: "asks" } }), []);
  });

  it("may lead to a unix socket, whose certificate needs a name", () => {
    const { problems } = parse(
      { "a.example": { to: "unix:/run/app.sock", profile: "api" } },
      { ...TCP, endpointTls: { ca: "ca.pem" } },
    );
    assert.deepEqual(
      problems.map(({ code, path }) => `${code} ${path.replace(PLACE, "")}`),
      ['not-used .names["a.example"].profile', "missing-key .endpointTls.serverName"],
    );
  });

  it("are bounded, and so are their policies and routes", () => {
    const many = (count: number, entryOf: (at: number) => object): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}.example`, entryOf(at)]));
    assertPlaces(many(MAX_NAMES, () => ({ policy: "partners" })));
    const { problems } = parse(many(MAX_NAMES + 1, () => ({})));
    assert.deepEqual(
      problems.map(({ path, message }) => `${path} ${message}`),
      [`${PLACE}.names A map is too large: at most 10000.`],
    );
    assertPlaces(many(MAX_NAME_ROUTES, (at) => ({ to: at + 10_000 })));
    assertPlaces(
      many(MAX_NAME_ROUTES + 1, (at) => ({ to: at + 10_000 })),
      "bad-value ",
    );
  });

  it("have the same route if they lead to the same place", () => {
    const listener = tcpListenerOf(
      parse({
        "a.example": { to: 8080 },
        "b.example": { to: 8081 },
        "c.example": { profile: "api" },
        "d.example": { profile: "api", to: 8080 },
        "e.example": { to: 8081, policy: "partners" },
      }),
    );
    assert.deepEqual(
      [...nameRoutesOf(listener).values()],
      [
        { profile: undefined, to: 8081, key: "b.example", setting: "to" },
        { profile: "api", to: 8080, key: "c.example", setting: "profile" },
      ],
    );
  });

  it("use ports that server entries map", () => {
    const listeners = [{ ...TCP, names: { "a.example": { profile: "api", to: 9000 } } }];
    const portsWith = (ports: object): readonly string[] =>
      parseDocument(
        documentWith(TCP, {
          shop: { servers: ["web-1"], vnics: { front: { ip: "198.51.100.1", listeners } } },
          api: { servers: [{ server: "web-2", ports }] },
        }),
      ).problems.map(({ code, path }) => `${code} ${path}`);
    assert.deepEqual(portsWith({ 9000: 9001 }), []);
    assert.deepEqual(portsWith({ 9002: 9001 }), ["not-used profiles.api.servers[0].ports.9002"]);
  });

  it("are not for listeners without TLS of clients", () => {
    const { problems } = parse({ "a.example": {} }, { port: 80, mode: "redirect" });
    assert.deepEqual(
      problems.map(({ code, path }) => [code, path]),
      [["forbidden-key", `${PLACE}.names`]],
    );
  });
});
