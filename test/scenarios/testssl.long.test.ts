import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { requirePackage } from "#harness/packages.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa } from "#harness/test-ca.ts";
import type { KeyType } from "#harness/test-keys.ts";
import { isGoodFinding, runTestssl } from "#harness/testssl.ts";

interface AllowedFinding {
  readonly id: string;
  readonly reason: string;
  /** Otherwise the result depends on which side is faster. */
  readonly isAlwaysFound: boolean;
}

/** Listener ports by policy. */
const ports = { intermediate: 8443, modern: 8444 };
const keyTypes: readonly KeyType[] = ["ecdsa", "rsa"];
const scanMs = 600_000;
/** testssl finds fault with less than 30 and 60 days. */
const certificateLifeMs = 90 * 24 * 3_600_000;

/**
 * Protocols, cipher categories, forward secrecy, server preference, certificates, vulnerabilities and GREASE. Not the HTTP
 * headers, which are the server's own.
 */
const sections = ["-p", "-s", "-f", "-P", "-S", "-U", "-g"];

/** Findings that are worse than INFO and not the director's doing, by the start of their id: there is one a certificate. */
const allowed: readonly AllowedFinding[] = [
  {
    id: "cert_revocation",
    reason: "a self-made CA publishes neither a CRL nor an OCSP responder",
    isAlwaysFound: true,
  },
  {
    id: "sessionresumption_ticket",
    reason: "with TLS 1.3 its client may leave before the ticket is there, and then it cannot look",
    isAlwaysFound: false,
  },
  {
    id: "engine_problem",
    reason: "it says so of the OpenSSL that it runs, not of the director",
    isAlwaysFound: false,
  },
];

forEachEngine((engine) => {
  describe("testssl.sh has nothing worse to say than OK or INFO", () => {
    const ip = uniqueVirtualIp();
    let director: Director;

    before(async () => {
      const ca = await createTestCa();
      const files: Record<string, string> = { "ca.pem": ca.certificatePem };
      const notAfter = new Date(Date.now() + certificateLifeMs);
      for (const keyType of keyTypes) {
        const issued = await ca.issue({ names: ["shop.example"], keyType, notAfter });
        files[`${keyType}.pem`] = issued.chainPem + issued.keyPem;
      }
      const certificates = keyTypes.map((keyType) => [keyType, { chain: `${keyType}.pem` }]);
      const endpoint = await startHttpEndpoint();
      const listeners = Object.entries(ports).map(([policy, port]) => ({
        port,
        to: endpoint.port,
        certificates: keyTypes,
        policy,
      }));
      const shop = { ip, servers: { web: endpoint.host }, to: endpoint.port };
      const more = { certificates: Object.fromEntries(certificates) };
      const document = shopDocument({ ...shop, vnic: { listeners }, more });
      director = await startDirector({ document, engine, files });
    });

    for (const [policy, port] of Object.entries(ports)) {
      it(`of ${policy}`, async (t) => {
        if (!(await requirePackage(t, "testssl.sh", "testssl"))) return;
        const caPath = join(director.dir, "ca.pem");
        const target = { ip, port, serverName: "shop.example", caPath };
        const findings = await runTestssl(target, sections, scanMs);
        const bad = findings.filter((finding) => !isGoodFinding(finding));
        const isAllowed = (id: string): boolean => allowed.some((one) => id.startsWith(one.id));
        assert.deepEqual(
          bad.filter(({ id }) => !isAllowed(id)),
          [],
        );
        for (const { id } of allowed.filter(({ isAlwaysFound }) => isAlwaysFound)) {
          const isFound = bad.some((finding) => finding.id.startsWith(id));
          assert.ok(isFound, `${id} is allowed and no longer found`);
        }
        // That it looked: one finding of each section.
        const severityOf = (id: string): string | undefined =>
          findings.find((finding) => finding.id === id)?.severity;
        for (const id of ["SSLv3", "TLS1_3", "cipherlist_STRONG", "PFS", "heartbleed"]) {
          assert.equal(severityOf(id), "OK", id);
        }
        assert.equal(severityOf("cipher_order"), policy === "modern" ? "INFO" : "OK");
        assert.equal(severityOf("TLS1_2"), policy === "modern" ? "INFO" : "OK");
      });
    }
  });
});
