import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "./parse-document.ts";

const TCP = { port: 8443, to: 8080, certificates: ["shop"] };
const HTTP = { ...TCP, mode: "http" };
const EGRESS = { port: 9000, mode: "egress", to: "payments.example:443" };
const REDIRECT = { port: 8080, mode: "redirect" };

const KNOWN_TO_REDIRECT =
  "Known keys: port, mode, to, acceptProxyProtocol, allowFrom, denyFrom, timeouts, accessLog.";

const documentWith = (listener: object, policies: object = {}): object => ({
  servers: { "web-1": { address: "192.0.2.1" }, own: { address: "127.0.0.5" } },
  profiles: {
    shop: { servers: ["web-1"], vnics: { front: { ip: "198.51.100.1", listeners: [listener] } } },
    other: {
      standby: ["own"],
      vnics: { any: { ip: "0.0.0.0", listeners: [{ ...TCP, port: 7000, to: 7001 }] } },
    },
    mapped: {
      vnics: { web: { ip: "::ffff:192.0.2.1", listeners: [{ ...REDIRECT, port: 6000 }] } },
    },
  },
  certificates: { shop: { chain: "shop.pem" }, client: { chain: "client.pem" } },
  policies,
});

/** Parses the document. Leaves out the warning about the wildcard address of one of its vNICs. */
function parse(listener: object, policies: object = {}) {
  const { document, problems } = parseDocument(documentWith(listener, policies));
  return { document, problems: problems.filter(({ code }) => code !== "wildcard-virtual-ip") };
}

function placesOf(listener: object, policies: object = {}): readonly string[] {
  const { problems } = parse(listener, policies);
  const prefix = "profiles.shop.vnics.front.listeners[0].";
  return problems.map(({ code, path }) => `${code} ${path.replace(prefix, "")}`);
}

const assertPlaces = (listener: object, ...expected: readonly string[]): void => {
  assert.deepEqual(placesOf(listener), expected);
};

describe("checkListener", () => {
  it("accepts each mode with its options", () => {
    assertPlaces(TCP);
    assertPlaces({ ...TCP, to: "unix:/run/app.sock", endpointTls: { serverName: "app" } });
    assertPlaces({
      ...TCP,
      policy: "modern",
      strictServerName: true,
      acceptProxyProtocol: ["10.0.0.0/8", "::1"],
    });
    assertPlaces({ ...EGRESS, allowFrom: ["10.0.0.0/8"], endpointTls: { certificate: "client" } });
    assertPlaces({ ...EGRESS, to: "[2001:db8::9]:443", policy: "modern" });
    assertPlaces({ ...REDIRECT, to: 8443, acceptProxyProtocol: ["10.0.0.0/8"] });
  });

  it("accepts every option of mode http", () => {
    assertPlaces(HTTP);
    assertPlaces({ ...HTTP, to: "unix:/run/app.sock", endpointTls: { serverName: "app" } });
    assertPlaces({
      ...HTTP,
      acceptProxyProtocol: ["10.0.0.0/8"],
      timeouts: { idle: "1m", head: "5s", keepAlive: "10s", answer: "2m", upgraded: "12h" },
    });
  });

  it("requires an endpoint and a certificate for mode tcp", () => {
    assertPlaces({ port: 1 }, "missing-key to", "missing-key certificates");
    for (const to of ["8080", "unix:app.sock", "web-1:80", `unix:/${"a".repeat(107)}`]) {
      assertPlaces({ ...TCP, to }, "bad-endpoint to");
    }
  });

  it("requires a remote host and port for mode egress", () => {
    assertPlaces({ port: 1, mode: "egress" }, "missing-key to");
    for (const to of [
      443,
      "payments.example",
      "a b:443",
      "::1:443",
      "x:0",
      "x:65536",
      "999.1.1.1:443",
    ]) {
      assertPlaces({ ...EGRESS, to }, "bad-endpoint to");
    }
  });

  it("refuses options that have no effect in the mode", () => {
    assertPlaces({ ...TCP, allowFrom: ["10.0.0.0/8"], denyFrom: ["10.1.0.0/16"] });
    assertPlaces(
      { ...EGRESS, certificates: ["shop"], proxyProtocol: "v2", acceptProxyProtocol: ["::1"] },
      ...["certificates", "proxyProtocol", "acceptProxyProtocol"].map(
        (key) => `forbidden-key ${key}`,
      ),
    );
    assertPlaces({ ...EGRESS, endpointTls: { verify: false } }, "forbidden-key endpointTls.verify");
    assertPlaces(
      { ...REDIRECT, certificates: ["shop"], policy: "modern", endpointTls: {}, health: {} },
      ...["certificates", "policy", "endpointTls", "health"].map((key) => `forbidden-key ${key}`),
    );
    assertPlaces({ ...REDIRECT, to: "https://a" }, "bad-endpoint to");
  });

  it("reports that the mode does not support an option of another mode", () => {
    const { problems } = parse({ ...REDIRECT, endpointTls: {}, polcy: "x" });
    assert.deepEqual(
      problems.map(({ code, message, hint }) => [code, message, hint]),
      [
        [
          "forbidden-key",
          "A listener of mode redirect does not support endpointTls.",
          "Remove it.",
        ],
        ["unknown-key", '"polcy" is not a known key.', KNOWN_TO_REDIRECT],
      ],
    );
  });

  it("ignores options of another mode that have their default values, and drops them", () => {
    const defaults = {
      certificates: [],
      strictServerName: false,
      policy: "intermediate",
      proxyProtocol: "none",
    };
    for (const mode of [REDIRECT, { ...EGRESS, policy: "modern" }]) {
      const { document, problems } = parse({ ...defaults, ...mode });
      assert.deepEqual(problems, []);
      assert.deepEqual(document, parseDocument(documentWith(mode)).document);
      const [listener] = document?.profiles["shop"]?.vnics["front"]?.listeners ?? [];
      assert.equal(Object.hasOwn(listener ?? {}, "certificates"), false);
    }
  });

  it("gives each mode its own defaults", () => {
    const listenerOf = (given: object): object | undefined =>
      parseDocument(documentWith(given)).document?.profiles["shop"]?.vnics["front"]?.listeners[0];
    const [tcp, redirect, egress] = [TCP, REDIRECT, EGRESS].map((given) =>
      Object.keys(listenerOf(given) ?? {}),
    );
    const common = ["port", "mode", "allowFrom", "denyFrom", "timeouts", "accessLog"];
    const clientTls = ["certificates", "strictServerName", "policy"];
    assert.deepEqual(
      tcp?.toSorted(),
      [...common, ...clientTls, "to", "proxyProtocol", "acceptProxyProtocol"].toSorted(),
    );
    assert.deepEqual(redirect?.toSorted(), [...common, "acceptProxyProtocol"].toSorted());
    assert.deepEqual(egress?.toSorted(), [...common, "policy", "to"].toSorted());
  });

  it("reports an invalid mode of any type, and the problems of other keys", () => {
    for (const mode of ["udp", "__proto__", "constructor", "toString", "", 7, null, {}, ["tcp"]]) {
      assertPlaces({ ...TCP, mode }, "bad-value mode");
      assertPlaces(
        { port: 0, mode, colour: 1 },
        "unknown-key colour",
        "bad-value port",
        "bad-value mode",
      );
    }
    // Without a mode that there is, the keys of every mode are known.
    assertPlaces({ ...TCP, mode: "udp", timeouts: { head: "5s" }, pool: {} }, "bad-value mode");
    const [problem] = parseDocument(documentWith({ ...TCP, mode: "redirct" })).problems;
    assert.equal(problem?.message, '"redirct" is not one of tcp, http, redirect, egress.');
    assert.equal(problem?.hint, "Did you mean `redirect`?");
  });

  it("does not treat a key of an object's prototype as a key of a mode", () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      const listener = JSON.parse(`{"port":80,"mode":"redirect","${key}":[]}`) as object;
      assertPlaces(listener, `unknown-key ${key}`);
    }
  });

  it("reports certificates and policies that do not exist", () => {
    assertPlaces(
      {
        ...TCP,
        certificates: ["shop", "shpo"],
        policy: "medium",
        endpointTls: { certificate: "x" },
      },
      "unknown-certificate certificates[1]",
      "unknown-policy policy",
      "unknown-certificate endpointTls.certificate",
    );
  });

  it("refuses a policy with client certificates for an egress listener", () => {
    const policies = { partners: { clientAuth: { mode: "require", ca: "ca.pem" } } };
    assert.deepEqual(placesOf({ ...EGRESS, policy: "partners" }, policies), [
      "forbidden-key policy",
    ]);
    assert.deepEqual(placesOf({ ...TCP, policy: "partners" }, policies), []);
  });

  it("refuses endpoints that are listeners of the director itself", () => {
    assertPlaces({ ...TCP, to: 6000 }, "endpoint-loop to");
    assertPlaces({ ...EGRESS, to: "localhost:7000" }, "endpoint-loop to");
    assertPlaces({ ...EGRESS, to: "198.51.100.1:9000" }, "endpoint-loop to");
    assertPlaces({ ...EGRESS, to: "203.0.113.1:7000" });
  });

  it("requires CIDRs without address bits beyond the prefix", () => {
    assertPlaces(
      { ...TCP, acceptProxyProtocol: ["10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/33", "web-1"] },
      ...[1, 2, 3].map((index) => `bad-cidr acceptProxyProtocol[${index}]`),
    );
    assertPlaces({ ...EGRESS, allowFrom: ["fe80::%eth0/64"] }, "bad-cidr allowFrom[0]");
  });

  it("requires a name to verify", () => {
    assertPlaces(
      { ...TCP, to: "unix:/run/a", endpointTls: {} },
      "missing-key endpointTls.serverName",
    );
    assertPlaces(
      { ...TCP, endpointTls: { serverName: "a b" } },
      "bad-server-name endpointTls.serverName",
    );
    assertPlaces(
      { ...TCP, endpointTls: { verify: false, ca: "ca.pem" } },
      "not-used endpointTls.ca",
    );
  });

  it("checks the settings of a health check by its type", () => {
    const http = { type: "http" };
    assertPlaces({ ...TCP, health: {} });
    assertPlaces({ ...TCP, health: { ...http, status: "200-299, 401", body: "ok" } });
    assertPlaces({ ...EGRESS, health: { ...http, method: "HEAD", host: "[::1]:80", status: 204 } });
    assertPlaces({ ...TCP, health: { type: "tls", serverName: "web.example", ca: "ca.pem" } });
    assertPlaces({ ...TCP, health: { path: "/live" } }, "forbidden-key health.path");
    assertPlaces({ ...TCP, health: { ...http, ca: "ca.pem" } }, "forbidden-key health.ca");
    assertPlaces({ ...TCP, health: { ...http, status: "399-200" } }, "bad-value health.status");
    assertPlaces({ ...TCP, health: { ...http, host: "a:70000" } }, "bad-value health.host");
    const head = { ...http, method: "HEAD", body: "ok" };
    assertPlaces({ ...TCP, health: head }, "forbidden-key health.body");
    const named = { type: "tls", serverName: "a b" };
    assertPlaces({ ...TCP, health: named }, "bad-server-name health.serverName");
    const unix = { ...TCP, to: "unix:/run/a", health: { type: "tls" } };
    assertPlaces(unix, "missing-key health.serverName");
  });

  it("warns of a health check that may take longer than its interval", () => {
    for (const type of ["tcp", "http"]) {
      assertPlaces({ ...TCP, health: { type, interval: "1s", timeout: "1000ms" } });
      assertPlaces({ ...TCP, health: { type, timeout: "3s" } }, "timeout-above-interval health");
      assertPlaces(
        { ...TCP, health: { type, interval: "999ms" } },
        "timeout-above-interval health",
      );
    }
    const { document, problems } = parse({ ...TCP, health: { interval: "200ms", fall: 4 } });
    assert.ok(document);
    assert.match(problems[0]?.message ?? "", /may take 1s, .* every 200ms, .* 4 x 1s to find/);
  });

  it("lets nothing into the request of a health check that would change it", () => {
    const hostile = {
      path: ["/a b", "/a\r\nx: y", "/a\tb", "/\u00e9", "/a\0", "a", "http://b.example/", "/a#b"],
      host: ["a b", "a\r\nx: y", "a/b", "a@b", "", "a:b", "[::1"],
      method: ["POST", "GET /x HTTP/1.1\r\n", "get"],
      status: [100, 600, "2xx", "200-", "200\r\n", "", "200 300"],
    } as const;
    for (const [key, values] of Object.entries(hostile)) {
      for (const value of values) {
        const places = placesOf({ ...TCP, health: { type: "http", [key]: value } });
        assert.deepEqual(places, [`bad-value health.${key}`], JSON.stringify(value));
      }
    }
  });
});
