import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { SnapshotCertificate, SnapshotName } from "#model/records/snapshot.ts";
import { clientPolicy, clientTls, shardedNames } from "#harness/name-rules.ts";
import { atOnce } from "../live/in-slices.ts";
import { judgeHost } from "./judge-host.ts";
import { NameRules } from "./name-rules.ts";
import { NameTable } from "./name-table.ts";
import { hostOfAuthority, resolveName } from "./resolve-name.ts";

const POLICIES = {
  partners: clientPolicy("partners", "ca of partners"),
  banks: clientPolicy("banks", "ca of banks"),
  old: clientPolicy("old", undefined, { maxVersion: "TLSv1.2" }),
};
const LISTENER = ["shop"];

const version = (name: string): SnapshotCertificate => ({
  name: name as CertificateName,
  material: `material of ${name}` as MaterialId,
  names: [`${name}.example`],
  keyType: "ecdsa",
  notAfterMs: Number.POSITIVE_INFINITY,
  keySchemes: [0x0403],
  chainSchemes: [],
});
const bindings = new Map(["shop", "other"].map((name) => [name as CertificateName, version(name)]));

function rulesOf(
  entries: readonly SnapshotName[],
  policies: object = POLICIES,
): { names: NameRules } {
  const { names, material } = shardedNames(entries, policies as typeof POLICIES);
  const table = atOnce(NameTable.build(names, (id) => material[id]));
  return { names: atOnce(NameRules.build({ ...clientTls(LISTENER), names }, table, bindings)) };
}

const entry = (name: string, more: Omit<SnapshotName, "name"> = {}): SnapshotName => ({
  name,
  ...more,
});
const own = (...names: readonly string[]) => ({ certificates: names as CertificateName[] });

describe("resolveName", () => {
  const rules = rulesOf([
    entry("shop.example.com", { policy: "partners", route: "a" }),
    entry("*.example.com", { ...own("other"), route: "b" }),
    entry("www.example.com"),
    entry("both.example.com", { ...own("other"), policy: "partners" }),
    entry("a_b.example.com", { policy: "old" }),
  ]);
  const policyOf = (name: string | undefined): string =>
    resolveName(rules, name).identity.spec.policy.name;
  const routeOf = (name: string | undefined): string | undefined => resolveName(rules, name).route;

  it("finds the name in any form that stands for it", () => {
    for (const text of [
      "shop.example.com",
      "SHOP.example.com",
      "shop.example.com.",
      "Shop.Example.COM.",
    ])
      assert.deepEqual([policyOf(text), routeOf(text)], ["partners", "a"], text);
  });

  it("finds a wildcard for one label only, after the exact name", () => {
    const wild = resolveName(rules, "any.example.com");
    assert.deepEqual([wild.identity.spec.certificates, wild.route], [["other"], "b"]);
    assert.equal(resolveName(rules, "ANY.example.com.").identity, wild.identity);
    assert.equal(resolveName(rules, "www.example.com").identity, rules.names.ofListener);
    for (const name of ["a.b.example.com", "example.com", "..example.com", ".example.com"])
      assert.equal(resolveName(rules, name).identity, rules.names.ofListener, name);
    // No label may fall out of the wildcard, whether it is that of a host name or not.
    for (const label of ["x_y", "_x", "-x", "x-", "*", "x".repeat(64), "\xe4"])
      assert.equal(resolveName(rules, `${label}.example.com`).identity, wild.identity, label);
    assert.equal(policyOf("a_b.example.com"), "old");
  });

  it("gives everything else the identity and the route of the listener", () => {
    const others = [
      "",
      ".",
      "192.0.2.1",
      "[::1]",
      "shop.example.com:443",
      "shop.example.com..",
      "any..example.com",
    ];
    for (const text of [undefined, ...others, "shop.example.com\0", "shop.example.com/"])
      assert.deepEqual(
        [resolveName(rules, text).identity, routeOf(text)],
        [rules.names.ofListener, undefined],
        `${text}`,
      );
  });

  it("gives equal identities to names that differ only in their route", () => {
    const same = rulesOf([
      entry("a.example", { policy: "partners", route: "a" }),
      entry("b.example", { policy: "partners" }),
      entry("c.example", { route: "c" }),
    ]);
    const [a, b, c] = ["a.example", "b.example", "c.example"].map(
      (name) => resolveName(same, name).identity,
    );
    assert.equal(a, b);
    assert.equal(c, same.names.ofListener);
  });

  it("gives each policy and each list of certificates an id and a session scope", () => {
    const names = ["shop.example.com", "any.example.com", "both.example.com", "a_b.example.com"];
    const identities = [undefined, ...names].map((name) => resolveName(rules, name).identity);
    assert.equal(new Set(identities.map(({ key }) => key.id)).size, 5);
    assert.equal(new Set(identities.map(({ spec }) => spec.sessionScope)).size, 5);
    assert.deepEqual(
      identities.map(({ keptFor }) => keptFor),
      ["open", "partners", "open", "partners", "old"].map((name) => `scope of ${name}`),
    );
  });

  it("changes the id with the CAs or revocation lists, and not with what else a change brings", () => {
    const idOf = (policy: object, more: readonly SnapshotName[] = []): string =>
      resolveName(
        rulesOf([entry("a.example", { policy: "partners" }), ...more], {
          ...POLICIES,
          partners: policy,
        }),
        "a.example",
      ).identity.key.id;
    const before = idOf(POLICIES.partners);
    assert.equal(idOf(POLICIES.partners, [entry("b.example")]), before);
    assert.equal(idOf({ ...POLICIES.partners, sessionScope: "of another epoch" }), before);
    assert.notEqual(idOf(clientPolicy("partners", "ca of partners with a list")), before);
    assert.notEqual(idOf(clientPolicy("partners", "ca of partners", { groups: [] })), before);
  });

  it("has the same identities after a rotation, with the new versions", () => {
    const rotated = { ...version("other"), material: "newer" as MaterialId };
    const changed = new Set(["other" as CertificateName]);
    const after = {
      names: atOnce(
        rules.names.rebind(changed, new Map([...bindings, ["other" as CertificateName, rotated]])),
      ),
    };
    const [one, other] = [rules, after].map(
      (each) => resolveName(each, "any.example.com").identity,
    );
    assert.deepEqual(one?.key, other?.key);
    assert.equal(
      one?.certificates.versionOf("other" as CertificateName)?.material,
      "material of other",
    );
    assert.equal(other?.certificates.versionOf("other" as CertificateName)?.material, "newer");
    assert.equal(after.names.table, rules.names.table);
    const lost = { names: atOnce(rules.names.rebind(changed, new Map())) };
    assert.deepEqual(
      [...resolveName(lost, "any.example.com").identity.certificates.versions()],
      [],
    );
  });

  it("shares the choice among the certificates of the listener between policies with the same suites", () => {
    const indexOf = (name: string) => resolveName(rules, name).identity.certificates;
    assert.equal(indexOf("shop.example.com"), rules.names.ofListener.certificates);
    assert.notEqual(indexOf("a_b.example.com"), rules.names.ofListener.certificates);
  });

  it("agrees with a search through all entries, whatever the form of the name", () => {
    const labels = fc.constantFrom("a", "b", "shop", "a_b", "xn--a");
    const hosts = fc.array(labels, { minLength: 1, maxLength: 4 }).map((all) => all.join("."));
    const keys = fc.oneof(
      hosts,
      hosts.filter((name) => name.includes(".") && !name.includes("_")).map((name) => `*.${name}`),
    );
    const forms = fc.constantFrom(
      (name: string) => name,
      (name: string) => name.toUpperCase(),
      (name: string) => `${name}.`,
    );
    fc.assert(
      fc.property(fc.uniqueArray(keys, { maxLength: 200 }), hosts, forms, (all, host, formOf) => {
        const some = rulesOf(all.map((name) => entry(name, { route: name })));
        const wildcard = `*${host.slice(host.indexOf("."))}`;
        const expected = [host, wildcard].find((name) => all.includes(name));
        assert.equal(resolveName(some, formOf(host)).route, expected);
        assert.equal(resolveName(some, hostOfAuthority(`${formOf(host)}:443`)).route, expected);
      }),
      { numRuns: 300 },
    );
  });
});

describe("hostOfAuthority", () => {
  it("removes the port and nothing else", () => {
    const hosts = {
      "shop.example": "shop.example",
      "shop.example:443": "shop.example",
      "shop.example.:443": "shop.example.",
      "shop.example:": "shop.example",
      "[::1]": "[::1]",
      "[::1]:443": "[::1]",
      "": "",
    };
    for (const [authority, host] of Object.entries(hosts))
      assert.equal(hostOfAuthority(authority), host);
  });
});

describe("judgeHost", () => {
  const entries = [
    entry("open.example", { route: "a" }),
    entry("safe.example", { policy: "partners" }),
    entry("also.example", { policy: "partners", route: "b" }),
  ];
  const rules = rulesOf(entries);
  const connectionTo = (serverName: string | undefined, at = rules) => ({
    identityName: serverName,
    identity: resolveName(at, serverName).identity.key,
  });
  const verdictOf = (serverName: string | undefined, host: string, now = rules): string => {
    const { verdict, isLast } = judgeHost(now, connectionTo(serverName), host);
    return isLast ? `${verdict}, last` : verdict;
  };

  it("lets a connection serve the names with its identity only", () => {
    const cases: readonly (readonly [string | undefined, string, string])[] = [
      [undefined, "open.example", "served"],
      [undefined, "unknown.example", "served"],
      [undefined, "", "served"],
      [undefined, "192.0.2.1:443", "served"],
      [undefined, "safe.example", "misdirected"],
      [undefined, "SAFE.example.:443", "misdirected"],
      ["open.example", "safe.example:443", "misdirected"],
      ["safe.example..", "safe.example", "misdirected"],
      ["safe.example..", "open.example", "served"],
      ["open.example", "unknown.example", "served"],
      ["safe.example", "safe.example:8443", "served"],
      ["safe.example", "Also.Example.", "served"],
      ["safe.example", "open.example", "misdirected"],
      ["safe.example", "", "misdirected"],
      ["safe.example", "safe.example:443:443", "misdirected"],
    ];
    for (const [serverName, host, verdict] of cases)
      assert.equal(verdictOf(serverName, host), verdict, `${serverName} ${host}`);
    assert.equal(judgeHost(rules, connectionTo("safe.example"), "also.example").route, "b");
  });

  it("ends a connection whose name has got another identity, at once if clients must be authenticated anew", () => {
    const change = (policies: object, changed = entries) =>
      rulesOf(changed, { ...POLICIES, ...policies });
    const suites = change({ partners: clientPolicy("partners", "ca of partners", { groups: [] }) });
    const otherCa = change({ partners: POLICIES.banks });
    const noAuth = change({ partners: clientPolicy("partners", undefined) });
    assert.equal(verdictOf("safe.example", "safe.example", suites), "served, last");
    assert.equal(verdictOf("safe.example", "safe.example", otherCa), "misdirected, last");
    assert.equal(verdictOf("safe.example", "safe.example", noAuth), "served, last");
    assert.equal(verdictOf("open.example", "open.example", otherCa), "served");
    const closed = change({}, [entry("open.example", { policy: "partners" })]);
    assert.equal(verdictOf("open.example", "open.example", closed), "misdirected, last");
    assert.equal(verdictOf("safe.example", "safe.example", closed), "served, last");
    const certificates = change({}, [entry("open.example", own("other"))]);
    assert.equal(verdictOf("open.example", "open.example", certificates), "served, last");
    assert.equal(verdictOf("open.example", "unknown.example", certificates), "misdirected, last");
  });
});
