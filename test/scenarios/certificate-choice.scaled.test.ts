import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { opensslClient } from "#harness/clients.ts";
import { startDirector, type Director } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { recordedRefusal, recordedVisit, servedText, visit } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa, type IssueOptions, type TestCa } from "#harness/test-ca.ts";
import type { FileContents } from "#harness/temp-folder.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";

/** Listed by the listeners in this order, so that the first is the default. */
const names = {
  fallback: { names: ["fallback.example"] },
  exact: { names: ["www.shop.example"] },
  wildcard: { names: ["*.shop.example"] },
  several: { names: ["one.example", "two.example"] },
} as const satisfies Record<string, IssueOptions>;

const keyTypes = {
  ecdsa: { names: ["both.example"], commonName: "both by ecdsa" },
  rsa: { names: ["both.example"], commonName: "both by rsa", keyType: "rsa" },
} as const satisfies Record<string, IssueOptions>;

const passphrase = "correct horse: battery staple ";

const listener = (
  port: number,
  to: number,
  certificates: readonly string[],
  more = {},
): object => ({
  port,
  to,
  certificates,
  accessLog: "full",
  ...more,
});

forEachEngineIfLong("node", (engine) => {
  const ip = uniqueVirtualIp();
  let ca: TestCa;
  let endpoint: Endpoint;
  let director: Director;

  /** Chain and key in two files, in one, and with an encrypted key. */
  async function issueAll(): Promise<FileContents> {
    const files: Record<string, string> = {};
    for (const [name, options] of Object.entries({ ...names, ...keyTypes })) {
      const issued = await ca.issue(options);
      files[`${name}.pem`] = issued.chainPem;
      files[`${name}.key`] = issued.keyPem;
    }
    const intermediate = await ca.issueIntermediate("intermediate of the test");
    const together = await intermediate.issue({ names: ["together.example"] });
    files["together.pem"] = `${together.keyPem}${together.chainPem}`;
    const sealed = await ca.issue({ names: ["sealed.example"], keyType: "rsa" });
    files["sealed.pem"] = sealed.chainPem;
    files["sealed.key"] = sealed.encryptedKeyPem(passphrase);
    files["sealed.pass"] = `${passphrase}\nsecond line\n`;
    return files;
  }

  const clientOf = (port: number, options: TlsConnectOptions = {}): TlsConnectOptions => ({
    host: ip,
    port,
    ca: ca.certificatePem,
    // Which certificate came is what the tests look at; that it chains to the CA is verified.
    checkServerIdentity: () => undefined,
    ...options,
  });

  const servedTo = async (servername: string | undefined, port = 8443): Promise<unknown> => {
    const sni = servername === undefined ? {} : { servername };
    return (await visit(clientOf(port, sni))).facts.peerCertificate.subject.CN;
  };

  before(async () => {
    ca = await createTestCa();
    endpoint = await startHttpEndpoint(servedText);
    const { port } = endpoint;
    const listeners = [
      listener(8443, port, Object.keys(names)),
      listener(8444, port, Object.keys(names), { strictServerName: true }),
      listener(8445, port, ["fallback", "rsa", "ecdsa"]),
      listener(8446, port, ["together", "sealed"]),
    ];
    const plain = Object.keys({ ...names, ...keyTypes }).map((name) => [
      name,
      { chain: `${name}.pem`, key: `${name}.key` },
    ]);
    const certificates = {
      ...Object.fromEntries(plain),
      together: { chain: "together.pem" },
      sealed: { chain: "sealed.pem", key: "sealed.key", passphraseFile: "sealed.pass" },
    };
    const servers = { web: endpoint.host };
    const document = shopDocument({
      ip,
      servers,
      to: port,
      vnic: { listeners },
      more: { certificates },
    });
    director = await startDirector({ document, engine, workers: 1, files: await issueAll() });
  });

  describe("by server name", () => {
    it("an exact name comes before a wildcard, and a wildcard before the default", async () => {
      assert.equal(await servedTo("www.shop.example"), "www.shop.example");
      assert.equal(await servedTo("other.shop.example"), "*.shop.example");
      assert.equal(await servedTo("elsewhere.example"), "fallback.example");
      assert.equal(await servedTo(undefined), "fallback.example");
    });

    it("case does not count, and every name of a certificate does", async () => {
      assert.equal(await servedTo("WWW.Shop.Example"), "www.shop.example");
      assert.equal(await servedTo("two.example"), "one.example");
    });

    it("a wildcard covers one label", async () => {
      assert.equal(await servedTo("a.b.shop.example"), "fallback.example");
      assert.equal(await servedTo("shop.example"), "fallback.example");
    });

    it("a strict listener serves the names that it has and refuses the others", async () => {
      assert.equal(await servedTo("www.shop.example", 8444), "www.shop.example");
      assert.equal(await servedTo("x.shop.example", 8444), "*.shop.example");
      for (const servername of ["elsewhere.example", "a.b.shop.example", ""]) {
        const line = await recordedRefusal(director, clientOf(8444, { servername }));
        assert.equal(line["failure"], "unknown-name");
      }
    });
  });

  describe("by what the client can verify", () => {
    const servedFor = async (...args: readonly string[]): Promise<string | undefined> => {
      const target = ["-connect", `${ip}:8445`, "-servername", "both.example"];
      const { output } = await opensslClient([...target, ...args]);
      return /^subject=CN = (.+)$/m.exec(output)?.[1];
    };

    for (const version of ["-tls1_2", "-tls1_3"]) {
      it(`ECDSA where the client takes both, else what it takes (${version})`, async () => {
        const [ecdsa, rsa] = ["ECDSA+SHA256:ECDSA+SHA384", "RSA-PSS+SHA256:RSA+SHA256"];
        const served = await Promise.all([
          servedFor(version),
          servedFor(version, "-sigalgs", `${rsa}:${ecdsa}`),
          servedFor(version, "-sigalgs", ecdsa),
          servedFor(version, "-sigalgs", rsa),
        ]);
        assert.deepEqual(served, [
          "both by ecdsa",
          "both by ecdsa",
          "both by ecdsa",
          "both by rsa",
        ]);
      });
    }

    it("on TLS 1.2 the client's suites count too", async () => {
      const rsaOnly = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"];
      assert.equal(await servedFor(...rsaOnly), "both by rsa");
    });

    it("a client that can verify none of its name's certificates is turned away by the right cause", async () => {
      const client = clientOf(8443, { servername: "www.shop.example", maxVersion: "TLSv1.2" });
      const rsaOnly = { ...client, ciphers: "ECDHE-RSA-AES128-GCM-SHA256" };
      assert.equal((await recordedRefusal(director, rsaOnly))["failure"], "no-shared-cipher");
    });
  });

  describe("from files", () => {
    it("chain and key may stand in one file, and the intermediate is sent", async () => {
      const servername = "together.example";
      const target = { host: ip, port: 8446, ca: ca.certificatePem, servername };
      const { facts, line } = await recordedVisit(director, target);
      assert.equal(facts.peerCertificate.subject.CN, servername);
      assert.equal(line["serverName"], servername);
    });

    it("an encrypted key opens with the first line of its passphrase file", async () => {
      assert.equal(await servedTo("sealed.example", 8446), "sealed.example");
    });

    it("a pair that does not match, one that has expired and a wrong passphrase are named by the check, and in the status after a start", async () => {
      const [good, other, old] = await Promise.all([
        ca.issue({ names: ["good.example"] }),
        ca.issue({ names: ["other.example"] }),
        ca.issue({ names: ["old.example"], validity: "expired" }),
      ]);
      const files = {
        "good.pem": good.chainPem,
        "other.key": other.keyPem,
        "old.pem": old.chainPem,
        "old.key": old.keyPem,
        "sealed.pem": good.chainPem,
        "sealed.key": good.encryptedKeyPem(passphrase),
        "wrong.pass": "wrong\n",
      };
      const certificates = {
        mixed: { chain: "good.pem", key: "other.key" },
        old: { chain: "old.pem", key: "old.key" },
        sealed: { chain: "sealed.pem", key: "sealed.key", passphraseFile: "wrong.pass" },
      };
      const shop = { ip: uniqueVirtualIp(), servers: { web: endpoint.host }, to: endpoint.port };
      const vnic = { listeners: [listener(8443, endpoint.port, Object.keys(certificates))] };
      const document = shopDocument({ ...shop, vnic, more: { certificates } });
      const started = await startDirector({ document, engine, files });
      const status = await started.status();
      assert.deepEqual(
        status.certificates.map(({ name, state }) => [name, state]),
        [
          ["mixed", "unusable"],
          ["old", "expired"],
          ["sealed", "unusable"],
        ],
      );
      const { code, stderr } = await started.cli("check", started.documentPath);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /: error: .+does not belong to the certificate.*\n +at certificates\.mixed\.key$/m,
      );
      assert.match(stderr, /: error: .+expired on.*\n +at certificates\.old\.chain$/m);
      assert.match(stderr, /: error: .+does not decrypt.*\n +at certificates\.sealed\.key$/m);
    });
  });
});
