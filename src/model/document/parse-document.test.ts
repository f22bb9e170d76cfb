import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Problem } from "../failure.ts";
import { isError } from "../problem.ts";
import { parseDocument } from "./parse-document.ts";

const listener = (more: object = {}) => ({ port: 8443, to: 8080, certificates: ["shop"], ...more });

function documentWith(front: object = {}, more: object = {}): object {
  return {
    servers: { "web-1": { address: "192.0.2.1" }, "web-2": { address: "2001:db8::2" } },
    profiles: {
      shop: {
        servers: ["web-1"],
        vnics: { front: { ip: "198.51.100.1", listeners: [listener()], ...front } },
      },
    },
    certificates: { shop: { chain: "shop.pem" } },
    ...more,
  };
}

const withListener = (more: object, rest: object = {}): object =>
  documentWith({ listeners: [listener(more)] }, rest);

const placesOf = (problems: readonly Problem[]): readonly string[] =>
  problems.map(({ code, path }) => `${code} ${path}`);

const assertPlaces = (value: unknown, ...expected: readonly string[]): void => {
  const { document, problems } = parseDocument(value);
  assert.deepEqual(placesOf(problems), expected);
  assert.equal(document, undefined);
};

const LISTENER = "profiles.shop.vnics.front.listeners[0]";

describe("parseDocument: the schema", () => {
  it("fills in every default, including those in the entries of maps", () => {
    const { document, problems } = parseDocument(documentWith());
    assert.deepEqual(problems, []);
    const shop = document?.profiles["shop"];
    assert.deepEqual(shop?.standby, []);
    assert.equal(shop?.vnics["front"]?.admin, "up");
    assert.equal(shop?.vnics["front"]?.listeners[0]?.timeouts.handshake, "10s");
    assert.equal(document?.director.relayMemory, "512MiB");
    assert.equal(document?.certificates["shop"]?.source, "files");
  });

  it("does not change the given value", () => {
    const value = Object.freeze(documentWith());
    parseDocument(value);
    assert.deepEqual(value, documentWith());
  });

  it("reports each unknown key with a suggestion", () => {
    const { problems } = parseDocument(
      documentWith({ listener: [], color: "red" }, { polices: {}, constructor: 1 }),
    );
    assert.deepEqual(placesOf(problems), [
      "unknown-key polices",
      "unknown-key constructor",
      "unknown-key profiles.shop.vnics.front.listener",
      "unknown-key profiles.shop.vnics.front.color",
    ]);
    assert.deepEqual(
      problems.map(({ hint }) => hint),
      [
        "Did you mean `policies`?",
        "Known keys: director, servers, profiles, certificates, policies.",
        "Did you mean `listeners`?",
        "Known keys: ip, admin, qos, listeners.",
      ],
    );
  });

  it("reports missing keys, wrong types and malformed values by their paths", () => {
    assertPlaces(
      {
        director: { workers: "three", relayMemory: "1G" },
        servers: { Web_1: { address: "192.0.2.1" }, web: {}, "a.b": 1 },
        profiles: {
          shop: { vnics: { front: { ip: "198.51.100.1", listeners: [{ port: 0 }, null] } } },
        },
        certificates: [],
      },
      "bad-value director.workers",
      "malformed-size director.relayMemory",
      "bad-name servers.Web_1",
      'bad-name servers["a.b"]',
      "missing-key servers.web.address",
      "missing-key profiles.shop.vnics.front.listeners[0].to",
      "bad-value profiles.shop.vnics.front.listeners[0].port",
      "bad-value profiles.shop.vnics.front.listeners[1]",
      "bad-value certificates",
      "no-server profiles.shop.servers",
      "missing-key profiles.shop.vnics.front.listeners[0].certificates",
    );
  });

  it("reports problems of schema and rules together, and none of a value that replaces a misfit", () => {
    assertPlaces(
      withListener(
        { mode: "htpp", certificates: "shop", timeouts: { idle: "5" } },
        { policies: { modern: { groups: [] } } },
      ),
      `bad-value ${LISTENER}.mode`,
      `bad-value ${LISTENER}.certificates`,
      `malformed-duration ${LISTENER}.timeouts.idle`,
      "bad-value policies.modern.groups",
      "preset-name policies.modern",
    );
  });

  it("limits the number of problems and the length of their texts", () => {
    const servers = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [`s${index}`, {}]),
    );
    assert.equal(parseDocument({ servers }).problems.length, 1_000);
  });

  it("reports an error before any number of warnings", () => {
    const qos = { priority: 1 };
    const vnics = Object.fromEntries(
      Array.from({ length: 1_500 }, (_, index) => [
        `v${index}`,
        { ip: `198.51.${Math.floor(index / 250)}.${(index % 250) + 1}`, qos },
      ]),
    );
    const { document, problems } = parseDocument({
      profiles: { shop: { vnics: { ...vnics, last: { ip: "nowhere" } } } },
    });
    assert.equal(document, undefined);
    assert.equal(problems.length, 1_000);
    assert.equal(problems[0]?.path, "profiles.shop.vnics.last.ip");
  });

  it("never repeats PEM that was pasted where a path belongs", () => {
    const pem = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----";
    const { problems } = parseDocument(
      withListener({ policy: pem, to: pem, acceptProxyProtocol: [pem] }),
    );
    assert.equal(problems.length, 3);
    assert.doesNotMatch(JSON.stringify(problems), /c2VjcmV0/);
  });

  it("refuses a value that is not a map", () => {
    for (const value of [null, undefined, 7, "text", []])
      assert.equal(parseDocument(value).document, undefined);
  });
});

describe("parseDocument: servers, vNICs and their addresses", () => {
  it("warns about wildcard virtual IPs", () => {
    for (const [ip, isWildcard] of [
      ["0.0.0.0", true],
      ["::", true],
      ["0:0:0:0:0:0:0:0", true],
      ["::ffff:0.0.0.0", true],
      ["0.0.0.1", false],
      ["::1", false],
    ] as const) {
      const { document, problems } = parseDocument(documentWith({ ip }));
      const places = isWildcard ? ["wildcard-virtual-ip profiles.shop.vnics.front.ip"] : [];
      assert.deepEqual(placesOf(problems), places, ip);
      assert.ok(document);
    }
  });

  it("reports servers that do not exist, are listed twice, or are in both lists", () => {
    const profiles = {
      shop: { servers: ["web-1", "web1", "web-1"], standby: ["web-1", "constructor"] },
    };
    assertPlaces(
      documentWith({}, { profiles }),
      "unknown-server profiles.shop.servers[1]",
      "duplicate-server profiles.shop.servers[2]",
      "unknown-server profiles.shop.standby[1]",
      "duplicate-server profiles.shop.standby[0]",
    );
  });

  it("reports the same virtual IP in another notation", () => {
    const vnics = {
      a: { ip: "2001:db8::1" },
      b: { ip: "2001:0DB8:0:0::1" },
      c: { ip: "::ffff:192.0.2.7" },
      d: { ip: "192.0.2.7", admin: "down" },
    };
    assertPlaces(
      documentWith({}, { profiles: { shop: { vnics } } }),
      "duplicate-virtual-ip profiles.shop.vnics.b.ip",
      "duplicate-virtual-ip profiles.shop.vnics.d.ip",
    );
  });

  it("requires addresses, not names, for servers and vNICs", () => {
    const servers = { "web-1": { address: "web-1.example" }, "web-2": { address: "0.0.0.0" } };
    assertPlaces(
      documentWith({ ip: "198.51.100.01" }, { servers }),
      "bad-address servers.web-1.address",
      "bad-address servers.web-2.address",
      "bad-address profiles.shop.vnics.front.ip",
    );
  });

  it("refuses addresses that no socket can have as virtual IPs and for servers, in every notation", () => {
    const messageOf = (ip: string): string | undefined => {
      const { problems } = parseDocument(documentWith({ ip }));
      const servers = { "web-1": { address: ip } };
      const ofServer = parseDocument(documentWith({}, { servers })).problems.map(
        ({ code }) => code,
      );
      const isBad = problems[0]?.code === "bad-address";
      assert.deepEqual(ofServer, isBad ? ["bad-address"] : [], ip);
      return problems[0]?.message;
    };
    const link = "is a link-local IPv6 address, which belongs to one link and needs a zone";
    const refused = {
      "fe80::1": link,
      "FE80:0::1": link,
      "febf::1": link,
      "fe80::1%eth0": link,
      "224.0.0.77": "is a multicast address",
      "::ffff:224.0.0.77": "is a multicast address",
      "ff02::1": "is a multicast address",
      "255.255.255.255": "is a broadcast address",
      "::ffff:ffff:ffff": "is a broadcast address",
    };
    for (const [ip, reason] of Object.entries(refused)) {
      assert.equal(messageOf(ip), `"${ip}" ${reason}, so it cannot be a virtual IP.`);
    }
    // Linux serves on all of these.
    const served = ["169.254.9.9", "::ffff:169.254.9.9", "240.1.2.3", "0.1.2.3", "127.9.9.9"];
    for (const ip of served) assert.equal(messageOf(ip), undefined, ip);
  });

  it("refuses such addresses for the metrics, and knows the addresses that stand for all", () => {
    assertPlaces(
      documentWith({}, { director: { observe: "[fe80::1]:9180" } }),
      "bad-address director.observe",
    );
    for (const ip of ["0.0.0.0", "::", "::ffff:0.0.0.0", "0:0::0"]) {
      const { document, problems } = parseDocument(documentWith({ ip }));
      assert.ok(document !== undefined);
      assert.deepEqual(placesOf(problems), ["wildcard-virtual-ip profiles.shop.vnics.front.ip"]);
      assertPlaces(
        documentWith({}, { servers: { "web-1": { address: ip } } }),
        "bad-address servers.web-1.address",
      );
    }
  });

  it("warns of ports for a `to` that no listener has", () => {
    const warningsFor = (ports: object, listeners: readonly object[]) => {
      const shop = {
        servers: ["web-1"],
        standby: [{ server: "web-2", ports }],
        vnics: { front: { ip: "198.51.100.1", listeners } },
      };
      const { document, problems } = parseDocument(documentWith({}, { profiles: { shop } }));
      assert.ok(document !== undefined);
      return problems.map(({ code, path, message }) => `${code} ${path}: ${message}`);
    };
    const place = "not-used profiles.shop.standby[0].ports.9:";
    const redirect = { port: 80, mode: "redirect", to: 9 };
    const ports = [listener(), listener({ port: 8444, to: 18_080 }), redirect];
    assert.deepEqual(warningsFor({ 8080: 1, 18080: 2 }, ports), []);
    assert.deepEqual(warningsFor({ 9: 1, 8080: 2 }, ports), [
      `${place} No listener of the profile has the \`to\` 9. The listeners have 8080, 18080.`,
    ]);
    assert.deepEqual(warningsFor({ 9: 1 }, [listener({ to: "unix:/run/app.sock" }), redirect]), [
      `${place} No listener of the profile has the \`to\` 9. No listener leads to a port of a server.`,
    ]);
  });

  it("accepts 32 vNICs on a server and no more, including standby", () => {
    const vnics = (count: number, third: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `v${index}`,
          { ip: `10.0.${third}.${index}` },
        ]),
      );
    const profilesWith = (count: number) => ({
      a: { servers: ["web-1"], vnics: vnics(16, 1) },
      b: { servers: ["web-2"], standby: ["web-1"], vnics: vnics(count, 2) },
    });
    assert.deepEqual(parseDocument(documentWith({}, { profiles: profilesWith(16) })).problems, []);
    assertPlaces(documentWith({}, { profiles: profilesWith(17) }), "too-many-vnics servers.web-1");
  });

  it("reports a port that a vNIC uses twice", () => {
    const listeners = [listener(), listener({ port: 443 }), listener()];
    assertPlaces(
      documentWith({ listeners }),
      "duplicate-port profiles.shop.vnics.front.listeners[2].port",
    );
  });

  it("refuses malformed rates and warns about settings that are not enforced", () => {
    const path = "profiles.shop.vnics.front.qos.rate";
    for (const rate of ["1g", "0m_1g", "100_200", "1g_100m"]) {
      assertPlaces(documentWith({ qos: { rate } }), `malformed-rate ${path}`);
    }
    const { document, problems } = parseDocument(
      documentWith({ qos: { rate: "100m_1g", priority: 5 } }),
    );
    assert.notEqual(document, undefined);
    assert.deepEqual(placesOf(problems), [
      `not-enforced-yet ${path}`,
      "not-enforced-yet profiles.shop.vnics.front.qos.priority",
    ]);
    assert.ok(problems.every(({ severity }) => severity === "warning"));
  });

  it("requires a free address and port for director.observe", () => {
    const observe = (text: string) => documentWith({}, { director: { observe: text } });
    assert.deepEqual(parseDocument(observe("[::1]:9180")).problems, []);
    assertPlaces(observe("localhost:9180"), "bad-address director.observe");
    assertPlaces(observe("127.0.0.1"), "bad-address director.observe");
    assertPlaces(observe("198.51.100.1:8443"), "address-clash director.observe");
  });

  it("refuses a document with any number of errors, and names some of them", () => {
    const wrong = { admin: "sideways", qos: { priority: 99 } };
    for (const count of [1_000, 9_999, 10_000, 20_000]) {
      const map = (name: string, value: unknown): object =>
        Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, value]));
      for (const [more, code] of [
        [{ servers: map("A", { address: "10.0.0.1" }) }, "bad-name"],
        [{ servers: map("A", 1) }, "bad-name"],
        [{ servers: map("a", 1) }, "bad-value"],
        [{ policies: map("A", {}) }, "bad-name"],
        [map("k", 1), "unknown-key"],
        [{ certificates: { shop: map("k", 1) } }, "unknown-key"],
      ] as const) {
        const { document, written, problems } = parseDocument(documentWith(wrong, more));
        assert.deepEqual([document, written], [undefined, undefined]);
        assert.ok(
          problems.some((one) => one.code === code),
          `${count} ${code}`,
        );
      }
      const listeners = [listener(map("k", 1))];
      const { document, problems } = parseDocument(documentWith({ listeners }));
      assert.equal(document, undefined);
      assert.ok(problems.some(isError));
    }
  });

  it("refuses an entry that a list has twice", () => {
    assertPlaces(
      withListener({ certificates: ["shop", "shop"] }),
      `bad-value ${LISTENER}.certificates[1]`,
    );
    const policies = { own: { alpn: ["h2", "http/1.1", "h2"], groups: ["X25519", "X25519"] } };
    assertPlaces(
      withListener({ policy: "own" }, { policies }),
      "bad-value policies.own.groups[1]",
      "bad-value policies.own.alpn[2]",
    );
  });
});
