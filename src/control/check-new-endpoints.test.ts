import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import type { Document } from "#model/document/document.ts";
import { addressRuleOf, checkNewEndpoints } from "./check-new-endpoints.ts";

interface Parts {
  readonly servers?: Readonly<Record<string, string>>;
  readonly listeners?: readonly object[];
  readonly allow?: readonly string[];
  readonly ip?: string;
  readonly observe?: string;
}

const documentOf = (parts: Parts): Document => {
  const { servers = {}, listeners = [], allow = [], ip = "192.0.2.1" } = parts;
  const observe = parts.observe === undefined ? {} : { observe: parts.observe };
  return parseDocument({
    director: { endpoints: { allow }, ...observe },
    servers: Object.fromEntries(
      Object.entries(servers).map(([name, address]) => [name, { address }]),
    ),
    profiles: { shop: { servers: Object.keys(servers), vnics: { front: { ip, listeners } } } },
  }).draft;
};

const problemsOf = (after: Parts, before: Parts | undefined = {}): readonly string[] =>
  checkNewEndpoints(
    documentOf(after),
    before && documentOf(before),
    () => new Set(["192.0.2.99", "2001:db8::99"]),
  ).map(({ code, path }) => `${code} ${path}`);

const TO = "profiles.shop.vnics.front.listeners[0].to";
const web = (to: number | string) => [{ port: 8443, to, certificates: ["x"] }];
const egress = (to: string) => [{ port: 9000, mode: "egress", to }];

test("a change over the API adds no endpoint at a reserved address, in any spelling", () => {
  const reserved = [
    ...["127.0.0.1", "::1", "::ffff:127.0.0.1", "0:0:0:0:0:ffff:7f00:1", "169.254.169.254"],
    ...["::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::"],
    ...["fe80::1", "::ffff:169.254.1.1", "224.0.0.1", "ff02::1", "255.255.255.255", "0.1.2.3"],
  ];
  for (const address of reserved) {
    const [first] = problemsOf({ servers: { web: address } });
    assert.equal(first, "endpoint-not-allowed servers.web.address", address);
    const to = address.includes(":") ? `[${address}]:443` : `${address}:443`;
    const [refused] = problemsOf({ listeners: egress(to) });
    assert.equal(refused, `endpoint-not-allowed ${TO}`, to);
  }
  for (const host of [
    "localhost:443",
    "a.localhost:443",
    "ip6-localhost:443",
    "localhost.localdomain:443",
  ]) {
    assert.deepEqual(problemsOf({ listeners: egress(host) }), [`endpoint-not-allowed ${TO}`]);
  }
  for (const address of ["10.0.0.1", "192.0.2.7", "2001:db8::7"]) {
    assert.deepEqual(problemsOf({ servers: { web: address }, listeners: web(80) }), []);
  }
});

test("`director.endpoints` allows loopback, and never link-local", () => {
  const allow = ["127.0.0.0/8", "::1", "169.254.0.0/16", "0.0.0.0/0", "::/0"];
  for (const address of ["127.0.0.1", "::ffff:127.9.9.9", "::1", "64:ff9b::7f00:1"]) {
    assert.deepEqual(problemsOf({ allow, servers: { web: address }, listeners: web(80) }), []);
  }
  assert.deepEqual(problemsOf({ allow, listeners: egress("localhost:443") }), []);
  assert.equal(problemsOf({ allow, servers: { web: "169.254.1.1" } }).length, 1);
  assert.equal(problemsOf({ allow: ["127.0.0.1"], servers: { web: "127.0.0.2" } }).length, 1);
});

test("endpoints in force stay, and a new port of a server on loopback is new", () => {
  const before = { servers: { web: "127.0.0.1" }, listeners: web(80) };
  assert.deepEqual(problemsOf(before, before), []);
  assert.deepEqual(problemsOf({ ...before, listeners: web(6379) }, before), [
    `endpoint-not-allowed ${TO}`,
  ]);
  assert.deepEqual(problemsOf({ ...before, servers: { web: "127.0.0.2" } }, before), [
    "endpoint-not-allowed servers.web.address",
    `endpoint-not-allowed ${TO}`,
  ]);
});

test("an endpoint is never a socket of the director, in any spelling", () => {
  const allow = ["127.0.0.0/8", "::1"];
  const observes = { "127.0.0.1:9180": ["127.0.0.1", "::ffff:127.0.0.1"] } as const;
  for (const [observe, addresses] of Object.entries(observes)) {
    for (const address of addresses) {
      const own = { allow, observe, servers: { web: address }, listeners: web(9180) };
      assert.deepEqual(problemsOf(own), [`endpoint-loop ${TO}`], address);
    }
  }
  for (const address of ["127.0.0.1", "127.3.3.3", "::1", "192.0.2.99", "2001:db8::99"]) {
    const observed = { observe: "0.0.0.0:9180", servers: { web: address }, listeners: web(9180) };
    assert.deepEqual(problemsOf({ allow, ...observed }), [`endpoint-loop ${TO}`], address);
    const looped = { ip: "::", servers: { web: address }, listeners: web(8443) };
    assert.deepEqual(problemsOf({ allow, ...looped }), [`endpoint-loop ${TO}`], address);
  }
  const local = { allow, observe: "127.0.0.1:9180", listeners: egress("localhost:9180") };
  assert.deepEqual(problemsOf(local), [`endpoint-loop ${TO}`]);
  const embedded = { observe: "127.0.0.1:9180", servers: { web: "64:ff9b::7f00:1" } };
  assert.deepEqual(problemsOf({ allow, ...embedded, listeners: web(9180) }), [
    `endpoint-loop ${TO}`,
  ]);
  const elsewhere = { observe: "0.0.0.0:9180", servers: { web: "192.0.2.98" } };
  assert.deepEqual(problemsOf({ ...elsewhere, listeners: web(9180) }), []);
});

test("the addresses of a name are judged like endpoints, whoever added the name", () => {
  const parts = { observe: "192.0.2.99:9180", listeners: egress("pay.example:443") };
  const ruleOf = (allow: readonly string[]) =>
    addressRuleOf(documentOf({ ...parts, allow }), () => new Set(["192.0.2.1"]));
  const rule = ruleOf([]);
  for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]) {
    assert.match(rule(address, 443) ?? "", /^which `endpoints.allow`/, address);
    assert.equal(ruleOf(["127.0.0.0/8", "::1"])(address, 443), undefined, address);
  }
  for (const address of ["169.254.169.254", "::ffff:a9fe:a9fe", "fe80::1%eth0"]) {
    assert.equal(ruleOf(["0.0.0.0/0"])(address, 80), "which is a link-local address", address);
  }
  assert.equal(rule("192.0.2.99", 9180), "which is a socket of this director");
  assert.equal(rule("192.0.2.1", 9000), "which is a socket of this director");
  assert.equal(rule("192.0.2.99", 443), undefined);
  assert.equal(rule("198.51.100.7", 9000), undefined);
});

test("a profile that stays is not looked at again, and the result is the same", () => {
  const profileTo = (to: string, ip: string) => ({
    vnics: { front: { ip, listeners: egress(to) } },
  });
  const value = {
    servers: { web: { address: "192.0.2.7" } },
    profiles: {
      one: profileTo("pay.example:443", "192.0.2.1"),
      two: profileTo("127.0.0.9:443", "192.0.2.2"),
    },
  };
  const before = parseDocument(value).draft;
  const changes = {
    "an endpoint that another profile has": profileTo("127.0.0.9:443", "192.0.2.1"),
    "an endpoint that nobody has": profileTo("127.0.0.8:443", "192.0.2.1"),
    "a socket of the director": profileTo("192.0.2.2:9000", "192.0.2.1"),
  };
  const codes = Object.entries(changes).map(([name, one]) => {
    const after = parseDocument({ ...value, profiles: { ...value.profiles, one } }).draft;
    const problems = checkNewEndpoints(after, before);
    const anew = checkNewEndpoints(structuredClone(after), structuredClone(before));
    assert.deepEqual(problems, anew, name);
    return problems.map(({ code }) => code);
  });
  assert.deepEqual(codes, [[], ["endpoint-not-allowed"], ["endpoint-loop"]]);
});

test("a route of a server name is checked as the listener is, also when only its profile changes", () => {
  const documentWith = (api: string, names: object): Document =>
    parseDocument({
      servers: { web: { address: "192.0.2.7" }, own: { address: "192.0.2.1" } },
      profiles: {
        shop: {
          servers: ["web"],
          vnics: {
            front: {
              ip: "198.51.100.1",
              listeners: [{ port: 443, to: 80, certificates: ["x"], names }],
            },
          },
        },
        api: { servers: [api] },
        // Its listener is reached at the address of the server.
        blog: { vnics: { side: { ip: "192.0.2.1", listeners: [{ port: 81, mode: "redirect" }] } } },
      },
    }).draft;
  const names = { "a.example": { profile: "api", to: 81 }, "b.example": { to: 82 } };
  const place = 'profiles.shop.vnics.front.listeners[0].names["a.example"].profile';
  const problemsBetween = (before: Document, after: Document): readonly string[] =>
    checkNewEndpoints(after, before, () => new Set()).map(({ code, path }) => `${code} ${path}`);
  const [apart, own] = [documentWith("web", names), documentWith("own", names)];
  assert.deepEqual(problemsBetween(documentWith("web", {}), apart), []);
  assert.deepEqual(problemsBetween(documentWith("own", {}), own), [`endpoint-loop ${place}`]);
  assert.deepEqual(problemsBetween(apart, own), [`endpoint-loop ${place}`]);
  assert.deepEqual(problemsBetween(own, own), []);
  const shared = {
    ...own,
    servers: apart.servers,
    profiles: { ...apart.profiles, api: own.profiles["api"] ?? assert.fail() },
  };
  assert.deepEqual(problemsBetween(apart, shared), [`endpoint-loop ${place}`]);
});
