import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { errorCodeOf } from "#model/error-code.ts";
import type { HandshakeFailure } from "#model/records/outcome.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { curl, gnutlsClient, opensslClient } from "#harness/clients.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { FailureLedger } from "#harness/failed-handshakes.ts";
import { requirePackage } from "#harness/packages.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";

const ports = { intermediate: 8443, modern: 8444, strict: 8445, http2: 8446, partners: 8447 };
const clientName = "client.shop.example";

forEachEngineIfLong("node", (engine) => {
  const ip = uniqueVirtualIp();
  let ca: TestCa;
  let revoked: IssuedCertificate;
  let director: Director;
  let ledger: FailureLedger;

  before(async () => {
    ca = await createTestCa();
    const issued = await ca.issue({ names: ["shop.example", "*.shop.example"] });
    revoked = await ca.issue({ names: [clientName], usage: "client" });
    const endpoint = await startEchoEndpoint();
    const listenerOf = (port: number, more: object = {}): object => ({
      port,
      to: endpoint.port,
      certificates: ["shop"],
      ...more,
    });
    const document = shopDocument({
      ip,
      servers: { web: endpoint.host },
      to: endpoint.port,
      vnic: {
        listeners: [
          listenerOf(ports.intermediate),
          listenerOf(ports.modern, { policy: "modern" }),
          listenerOf(ports.strict, { strictServerName: true }),
          listenerOf(ports.http2, { policy: "http2" }),
          listenerOf(ports.partners, { policy: "partners" }),
        ],
      },
      more: {
        policies: {
          http2: { alpn: ["h2"] },
          partners: { clientAuth: { mode: "require", ca: "ca.pem", crl: "ca.crl" } },
        },
      },
    });
    const files = {
      "shop.pem": issued.chainPem,
      "shop.key": issued.keyPem,
      "ca.pem": ca.certificatePem,
      "ca.crl": await ca.revocationList([revoked.serial]),
    };
    director = await startDirector({ document, engine, workers: 1, files });
    ledger = new FailureLedger(director);
  });

  /** Lets a client fail; gives the code of its error, in which Node names the alert, and the address that it had. */
  async function refuse(options: TlsConnectOptions): Promise<{ code: string; address: string }> {
    const address = uniqueVirtualIp();
    const trust = { ca: ca.certificatePem, servername: "shop.example" };
    const where = { host: ip, port: ports.intermediate, localAddress: address };
    const established = tlsConnect({ ...where, ...trust, ...options });
    const code = await established.then(
      (client) => client.read.outcome(),
      (error: unknown) => String(errorCodeOf(error)),
    );
    return { code, address };
  }

  async function assertRefused(
    options: TlsConnectOptions,
    failure: HandshakeFailure,
    alert: RegExp,
    rest: object = {},
  ): Promise<void> {
    const { code, address } = await refuse(options);
    assert.match(code, alert);
    const serverName = options.servername ?? "shop.example";
    const sent = serverName === "" ? {} : { serverName };
    await ledger.expect({ clientAddress: address }, failure, { ...sent, ...rest });
  }

  describe("what client and policy do not share", { concurrency: true }, () => {
    it("is no-shared-cipher when the client offers none of the suites", async () => {
      const ciphers = "AES128-SHA256:AES256-GCM-SHA384";
      const offered = { offeredVersions: ["TLSv1.2"] };
      const options = { maxVersion: "TLSv1.2", ciphers } as const;
      await assertRefused(options, "no-shared-cipher", /ALERT_HANDSHAKE_FAILURE/, offered);
    });

    it("is no-shared-cipher when the suites that both have need another key type", async () => {
      const options = { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" } as const;
      await assertRefused(options, "no-shared-cipher", /ALERT_HANDSHAKE_FAILURE/);
    });

    it("is no-shared-signature when a TLS 1.3 client cannot verify the certificate's key type", async () => {
      const options = { minVersion: "TLSv1.3", sigalgs: "rsa_pss_rsae_sha256" } as const;
      await assertRefused(options, "no-shared-signature", /ALERT_HANDSHAKE_FAILURE/);
    });

    it("is no-shared-group on TLS 1.3 and TLS 1.2", async () => {
      for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
        const options = { minVersion: version, maxVersion: version, ecdhCurve: "P-521" };
        await assertRefused(options, "no-shared-group", /ALERT_HANDSHAKE_FAILURE/);
      }
    });

    it("is no-shared-alpn when the client offers other protocols, and the record shows them", async () => {
      const options = { port: ports.http2, ALPNProtocols: ["spdy/3", "http/1.0"] };
      const offered = { alpn: ["spdy/3", "http/1.0"] };
      const alert = /ALERT_NO_APPLICATION_PROTOCOL/;
      await assertRefused(options, "no-shared-alpn", alert, offered);
    });

    it("is unsupported-version for TLS 1.0 and 1.1, and for TLS 1.2 under modern", async () => {
      for (const version of ["TLSv1", "TLSv1.1"] as const) {
        const old = { minVersion: version, maxVersion: version, ciphers: "ALL:@SECLEVEL=0" };
        const offered = { offeredVersions: [version] };
        await assertRefused(old, "unsupported-version", /ALERT_PROTOCOL_VERSION/, offered);
      }
      const tls12 = { port: ports.modern, maxVersion: "TLSv1.2" } as const;
      await assertRefused(tls12, "unsupported-version", /ALERT_PROTOCOL_VERSION/);
    });

    it("is unknown-name under strictServerName, for another name and for none", async () => {
      for (const servername of ["other.example", "a.b.shop.example", ""]) {
        const options = { port: ports.strict, servername };
        await assertRefused(options, "unknown-name", /UNRECOGNIZED_NAME/);
      }
    });
  });

  describe("a client that rejects the certificate", { concurrency: true }, () => {
    // Bun cannot read the alert of an OpenSSL client on TLS 1.3.
    const alertOf = (name: string): string => (engine === "bun" ? "unknown" : name);

    const rejectedBy = async (serverName: string, alert: string): Promise<void> => {
      await ledger.expect({ serverName }, "client-rejected-certificate", { alert });
    };

    it("is recorded with the alert of openssl, on TLS 1.2 and TLS 1.3", async () => {
      for (const version of ["tls1_2", "tls1_3"]) {
        const name = `openssl-${version.replace("_", "-")}.shop.example`;
        const target = ["-connect", `${ip}:${ports.intermediate}`, "-servername", name];
        const run = await opensslClient([...target, `-${version}`, "-verify_return_error"]);
        assert.match(run.output, /unable to get local issuer certificate/);
        await rejectedBy(name, version === "tls1_2" ? "unknown_ca" : alertOf("unknown_ca"));
      }
    });

    it("is recorded with the alert of curl", async (t) => {
      if (!(await requirePackage(t, "curl"))) return;
      const name = "curl.shop.example";
      const resolve = ["--resolve", `${name}:${ports.intermediate}:${ip}`];
      const run = await curl([...resolve, `https://${name}:${ports.intermediate}/`]);
      assert.equal(run.code, 60, run.output);
      await rejectedBy(name, alertOf("unknown_ca"));
    });

    it("is recorded with the alert of gnutls-cli, which both engines can read", async (t) => {
      if (!(await requirePackage(t, "gnutls-bin", "gnutls-cli"))) return;
      const name = "gnutls.shop.example";
      const where = [ip, "-p", String(ports.intermediate), "--sni-hostname", name];
      const run = await gnutlsClient([...where, "--verify-hostname", name]);
      assert.equal(run.isTrusted, false, run.output);
      await rejectedBy(name, "bad_certificate");
    });
  });

  describe("a client certificate", { concurrency: true }, () => {
    const shown = async (certificate: IssuedCertificate | undefined) => {
      const pair = certificate && { cert: certificate.chainPem, key: certificate.keyPem };
      const { address } = await refuse({ port: ports.partners, ...pair });
      return { clientAddress: address };
    };
    const clientOf = (from: TestCa, validity: "valid" | "expired" = "valid") =>
      from.issue({ names: [clientName], usage: "client", validity });

    it("that is missing, of another CA, expired or revoked is recorded as that", async () => {
      const [other, expired] = [await createTestCa("another CA"), await clientOf(ca, "expired")];
      await ledger.expect(await shown(undefined), "no-client-certificate");
      await ledger.expect(await shown(await clientOf(other)), "untrusted-client-certificate");
      await ledger.expect(await shown(expired), "expired-client-certificate");
      await ledger.expect(await shown(revoked), "revoked-client-certificate");
    });
  });

  // This holds whatever tests have run before it: the ledger has the failures that they expected.
  it("counts what has failed by its names, and nothing else", () => ledger.assertCounted());
});
