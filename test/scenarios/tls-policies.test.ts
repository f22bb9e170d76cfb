import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { opensslClient } from "#harness/clients.ts";
import { runDirectorToExit, startDirector, type Director } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import {
  failureLineOf,
  recordedRefusal,
  recordedVisit,
  servedText,
  visit,
} from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";

const policies = {
  "old-clients": { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" },
  "chacha-first": {
    cipherSuites: [
      "TLS_AES_128_GCM_SHA256",
      "TLS_AES_256_GCM_SHA384",
      "TLS_CHACHA20_POLY1305_SHA256",
      "ECDHE-ECDSA-CHACHA20-POLY1305",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
    ],
  },
  "p-384": { groups: ["P-384"] },
  web: { alpn: ["h2", "http/1.1"] },
  "no-tickets": { tickets: false },
};
/** Each has a listener of its own, from port 8443 on. */
const policyNames = ["modern", "intermediate", ...Object.keys(policies), "one-suite"];
const portOf = (policy: string): number => 8443 + policyNames.indexOf(policy);

/** As OpenSSL calls them towards a client, and as policies and records do. */
const curveNames: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384" };

const oneSuite = { base: "modern", cipherSuites: ["TLS_AES_256_GCM_SHA384"] };

const filesOf = (issued: IssuedCertificate): Readonly<Record<string, string>> => ({
  "shop.pem": issued.chainPem,
  "shop.key": issued.keyPem,
});

forEachEngine((engine) => {
  const ip = uniqueVirtualIp();
  let ca: TestCa;
  let issued: IssuedCertificate;
  let endpoint: Endpoint;
  let director: Director;

  const documentWith = (more: Readonly<Record<string, object>> = {}): object => {
    const presets = { modern: {}, intermediate: {} };
    const listeners = Object.keys({ ...presets, ...policies, ...more }).map((policy) => ({
      port: portOf(policy),
      to: endpoint.port,
      certificates: ["shop"],
      policy,
      accessLog: "full",
    }));
    return shopDocument({
      ip,
      servers: { web: endpoint.host },
      to: endpoint.port,
      vnic: { listeners },
      more: { policies: { ...policies, ...more } },
    });
  };

  const clientOf = (policy: string, options: TlsConnectOptions = {}): TlsConnectOptions => ({
    host: ip,
    port: portOf(policy),
    ca: ca.certificatePem,
    servername: "shop.example",
    ...options,
  });

  before(async () => {
    ca = await createTestCa();
    issued = await ca.issue({ names: ["shop.example"] });
    endpoint = await startHttpEndpoint(servedText);
    director = await startDirector({
      document: documentWith(),
      engine,
      workers: 1,
      files: filesOf(issued),
    });
  });

  describe("versions", () => {
    it("modern serves TLS 1.3 and says why it turned a TLS 1.2 client away", async () => {
      const { facts, line } = await recordedVisit(director, clientOf("modern"));
      assert.equal(facts.protocol, "TLSv1.3");
      assert.equal(line["tlsVersion"], "TLSv1.3");
      const refused = clientOf("modern", { maxVersion: "TLSv1.2" });
      assert.equal((await recordedRefusal(director, refused))["failure"], "unsupported-version");
    });

    it("intermediate serves TLS 1.3 and TLS 1.2", async () => {
      for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
        const client = clientOf("intermediate", { minVersion: version, maxVersion: version });
        const { facts, line } = await recordedVisit(director, client);
        assert.equal(facts.protocol, version);
        assert.equal(line["tlsVersion"], version);
      }
    });

    it("no policy serves TLS 1.1 or older", async () => {
      for (const policy of ["modern", "intermediate", "old-clients"]) {
        const clientAddress = uniqueVirtualIp();
        const target = ["-connect", `${ip}:${portOf(policy)}`, "-bind", `${clientAddress}:0`];
        const old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
        assert.equal((await opensslClient([...target, ...old])).isConnected, false);
        const line = await failureLineOf(director, clientAddress);
        assert.equal(line["failure"], "unsupported-version");
      }
    });

    it("a policy of TLS 1.2 alone turns a client of TLS 1.3 alone away", async () => {
      const { facts } = await visit(clientOf("old-clients"));
      assert.equal(facts.protocol, "TLSv1.2");
      const refused = clientOf("old-clients", { minVersion: "TLSv1.3" });
      assert.equal((await recordedRefusal(director, refused))["failure"], "unsupported-version");
    });
  });

  describe("cipher suites", () => {
    const suiteOf = async (version: "TLSv1.2" | "TLSv1.3", ciphers: string): Promise<unknown> => {
      const client = clientOf("chacha-first", { maxVersion: version, ciphers });
      const { facts, line } = await recordedVisit(director, client);
      assert.equal(facts.protocol, version);
      assert.equal(line["cipherSuite"], facts.cipher);
      return line["cipherSuite"];
    };

    it("on TLS 1.2 the server's order decides, whatever the client's", async () => {
      const chacha = "ECDHE-ECDSA-CHACHA20-POLY1305";
      const [aes256, aes128] = ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"];
      const chosen = await Promise.all([
        suiteOf("TLSv1.2", `${aes128}:${aes256}:${chacha}`),
        suiteOf("TLSv1.2", `${chacha}:${aes256}`),
        suiteOf("TLSv1.2", `${aes128}:${aes256}`),
      ]);
      assert.deepEqual(chosen, [chacha, chacha, aes256]);
    });

    it("a client with none of the suites is turned away", async () => {
      const ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
      const refused = clientOf("chacha-first", { maxVersion: "TLSv1.2", ciphers });
      assert.equal((await recordedRefusal(director, refused))["failure"], "no-shared-cipher");
    });

    it("TLS 1.3 suites are chosen on engine node, and refused by name on engine bun", async () => {
      const document = documentWith({ "one-suite": oneSuite });
      const { outcome, line } = await director.reload(document);
      if (engine === "bun") {
        assert.equal(outcome, "refused");
        assert.equal(line["code"], "engine-lacks-suite-choice");
        assert.equal(line["path"], "policies.one-suite.cipherSuites");
        assert.equal((await visit(clientOf("modern"))).facts.protocol, "TLSv1.3");
        const started = await runDirectorToExit({ document, engine, files: filesOf(issued) });
        assert.equal(started.code, 1);
        assert.match(started.stderr, /engine-lacks-suite-choice/);
        return;
      }
      assert.equal(outcome, "applied");
      const client = clientOf("one-suite");
      assert.equal((await visit(client)).facts.cipher, "TLS_AES_256_GCM_SHA384");
      const refused = { ...client, ciphers: "TLS_CHACHA20_POLY1305_SHA256" };
      assert.equal((await recordedRefusal(director, refused))["failure"], "no-shared-cipher");
    });
  });

  describe("groups", () => {
    const groupOf = async (
      options: TlsConnectOptions,
      policy = "intermediate",
    ): Promise<unknown> => {
      const { facts, line } = await recordedVisit(director, clientOf(policy, options));
      const seen = facts.group ?? "none";
      assert.equal(line["group"], curveNames[seen] ?? seen, `group of ${options.ecdhCurve}`);
      return line["group"];
    };

    it("X25519MLKEM768 is agreed on with every client that offers it", async () => {
      const offers = ["X25519MLKEM768", "X25519MLKEM768:X25519", "X25519:X25519MLKEM768:P-256"];
      const agreed = await Promise.all(offers.map((ecdhCurve) => groupOf({ ecdhCurve })));
      assert.deepEqual(
        agreed,
        offers.map(() => "X25519MLKEM768"),
      );
      assert.equal(await groupOf({}), "X25519MLKEM768");
    });

    it("the server's order decides among the others, and the access line has what the client saw", async () => {
      const maxVersion = "TLSv1.2";
      const agreed = await Promise.all([
        groupOf({ ecdhCurve: "X25519" }),
        groupOf({ ecdhCurve: "P-256" }),
        groupOf({ ecdhCurve: "P-256:X25519" }),
        groupOf({ ecdhCurve: "P-384:P-521:P-256" }),
        groupOf({ ecdhCurve: "P-256:P-384" }, "p-384"),
        groupOf({ ecdhCurve: "P-256:X25519", maxVersion }),
        groupOf({ ecdhCurve: "P-256", maxVersion }),
        // A hybrid group is of TLS 1.3 only, also where the client offers it and the policy ends at TLS 1.2.
        groupOf({ ecdhCurve: "X25519MLKEM768:X25519:P-256" }, "old-clients"),
      ]);
      const expected = ["X25519", "P-256", "X25519", "P-256", "P-384", "X25519", "P-256", "X25519"];
      assert.deepEqual(agreed, expected);
    });

    it("a client with none of the groups is turned away", async () => {
      const client = clientOf("p-384", { ecdhCurve: "X25519:P-256" });
      assert.equal((await recordedRefusal(director, client))["failure"], "no-shared-group");
      const old = { ...client, maxVersion: "TLSv1.2" } as const;
      assert.equal((await recordedRefusal(director, old))["failure"], "no-shared-group");
    });
  });

  describe("application protocols", () => {
    const protocolOf = async (policy: string, offered?: string[]): Promise<unknown> => {
      const options = offered === undefined ? {} : { ALPNProtocols: offered };
      const { facts, line } = await recordedVisit(director, clientOf(policy, options));
      assert.equal(line["alpn"], facts.alpn);
      return facts.alpn;
    };

    it("the server's order decides, and a client that offers none gets none", async () => {
      const agreed = await Promise.all([
        protocolOf("web", ["http/1.1", "h2"]),
        protocolOf("web", ["spdy/3", "http/1.1"]),
        protocolOf("web"),
        protocolOf("intermediate", ["h2"]),
      ]);
      assert.deepEqual(agreed, ["h2", "http/1.1", undefined, undefined]);
    });

    it("a client that offers others only is turned away", async () => {
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        const refused = clientOf("web", { ALPNProtocols: ["spdy/3"], maxVersion });
        assert.equal((await recordedRefusal(director, refused))["failure"], "no-shared-alpn");
      }
    });
  });

  it("a policy without tickets resumes no session", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      for (const [policy, resumes] of [
        ["no-tickets", false],
        ["intermediate", true],
      ] as const) {
        const { session } = await visit(clientOf(policy, { maxVersion }));
        const again = await visit(clientOf(policy, { maxVersion, session }));
        assert.equal(again.facts.isResumed, resumes, `${policy} ${maxVersion}`);
      }
    }
  });

  it("a TLS 1.2 client cannot renegotiate", async () => {
    const target = ["-connect", `${ip}:${portOf("intermediate")}`, "-tls1_2"];
    // A line with R asks s_client for it.
    const { output } = await opensslClient(target, {
      input: "R\n",
      until: /RENEGOTIATING[^]+error/,
    });
    assert.match(output, /no[ _]renegotiation|unexpected[ _]message/i);
  });
});
