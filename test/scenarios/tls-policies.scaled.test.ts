import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { opensslClient } from "#harness/clients.ts";
import { runDirectorToExit, type Director } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import {
  failureLineOf,
  recordedRefusal,
  recordedVisit,
  visit,
} from "#harness/recorded-handshake.ts";
import { createTestCa } from "#harness/test-ca.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";
import { startPolicyDirector, type PolicyDirector } from "#harness/policy-director.ts";

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
  web: { alpn: ["h2", "http/1.1"] },
  "no-tickets": { tickets: false },
};
const oneSuite = { base: "modern", cipherSuites: ["TLS_AES_256_GCM_SHA384"] };

forEachEngineIfLong("bun", (engine) => {
  let served: PolicyDirector;
  let director: Director;

  const clientOf = (policy: string, options: TlsConnectOptions = {}): TlsConnectOptions => ({
    ...served.targetOf(policy),
    ...options,
  });

  /** Arguments of `openssl s_client`. */
  const targetOf = (policy: string): readonly string[] => {
    const { host, port } = served.targetOf(policy);
    return ["-connect", `${host}:${port}`];
  };

  before(async () => {
    served = await startPolicyDirector({ engine, ca: await createTestCa(), policies });
    ({ director } = served);
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
        const target = [...targetOf(policy), "-bind", `${clientAddress}:0`];
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
      const document = served.documentWith({ "one-suite": oneSuite });
      const { outcome, line } = await director.reload(document);
      if (engine === "bun") {
        assert.equal(outcome, "refused");
        assert.equal(line["code"], "engine-lacks-suite-choice");
        assert.equal(line["path"], "policies.one-suite.cipherSuites");
        assert.equal((await visit(clientOf("modern"))).facts.protocol, "TLSv1.3");
        const started = await runDirectorToExit({ document, engine, files: served.files });
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
    const target = [...targetOf("intermediate"), "-tls1_2"];
    // A line with R asks s_client for it.
    const { output } = await opensslClient(target, {
      input: "R\n",
      until: /RENEGOTIATING[^]+error/,
    });
    assert.match(output, /no[ _]renegotiation|unexpected[ _]message/i);
  });
});
