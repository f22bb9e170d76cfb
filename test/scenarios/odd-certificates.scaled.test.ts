import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { issueOddCertificate } from "#harness/odd-certificate.ts";
import { legalCertificates, nodeOnlyCertificates } from "#harness/odd-certificates.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect } from "#harness/tls-client.ts";

const firstPort = 8443;
const pemPort = 8442;
const request = "GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n";

const cases = Object.entries(legalCertificates).map(([name, { fields }], at) => ({
  name,
  certificate: `odd-${at}`,
  port: firstPort + 1 + at,
  issued: issueOddCertificate(fields),
}));

forEachEngineIfLong("bun", (engine) => {
  const ip = uniqueVirtualIp();
  let ca: TestCa;
  let director: Director;
  let document: object;

  before(async () => {
    ca = await createTestCa();
    const endpoint = await startHttpEndpoint(servedText);
    // What public CAs issue for short-lived profiles: all names are in the subjectAltName.
    const shop = await ca.issue({ names: ["shop.example"], commonName: "" });
    const files = cases.flatMap(({ certificate, issued }) => [
      [`${certificate}.pem`, issued.chainPem],
      [`${certificate}.key`, issued.keyPem],
    ]);
    // A chain as editors and the OpenSSL command line leave it; its last block is one that OpenSSL passes over, too.
    const between = await ca.issueIntermediate("between");
    const chained = await between.issue({ names: ["shop.example"] });
    const chainPem = [
      "\ufeff",
      chained.certificatePem.replaceAll("\n", " \r\n"),
      "between:\n",
      between.certificatePem.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE"),
      between.certificatePem.replaceAll(/^/gm, "  "),
    ].join("");
    const certificates = Object.fromEntries(
      ["shop", "chained", ...cases.map(({ certificate }) => certificate)].map((name) => [
        name,
        { chain: `${name}.pem`, key: `${name}.key` },
      ]),
    );
    const listenerOf = (port: number, certificate: string): object => ({
      port,
      to: endpoint.port,
      certificates: [certificate],
    });
    document = shopDocument({
      ip,
      servers: { web: endpoint.host },
      to: endpoint.port,
      vnic: {
        listeners: [
          listenerOf(firstPort, "shop"),
          listenerOf(pemPort, "chained"),
          ...cases.map(({ port, certificate }) => listenerOf(port, certificate)),
        ],
      },
      more: { certificates },
    });
    director = await startDirector({
      document,
      engine,
      files: {
        "shop.pem": shop.chainPem,
        "shop.key": shop.keyPem,
        "chained.pem": chainPem,
        "chained.key": chained.keyPem,
        ...Object.fromEntries(files),
      },
    });
  });

  it("a certificate without a subject is verified by its client", async () => {
    const client = { host: ip, port: firstPort, ca: ca.certificatePem, servername: "shop.example" };
    await using connection = await tlsConnect(client);
    await connection.send(request);
    await connection.read.until(servedText);
  });

  it("a chain is sent whole, whatever it looks like, and what is not used of its file is logged", async () => {
    const client = { host: ip, port: pemPort, ca: ca.certificatePem, servername: "shop.example" };
    await using connection = await tlsConnect(client);
    await connection.send(request);
    await connection.read.until(servedText);
    const warning = director.logs.find((line) => line["code"] === "pem-not-used");
    assert.equal(warning?.["event"], "document-warning");
    assert.equal(warning["path"], "certificates.chained.chain");
    assert.match(String(warning["msg"]), /`CERTIFICATE` in line \d+ is not used: .*indented/);
  });

  describe("is served", { concurrency: true }, () => {
    for (const { name, port, issued } of cases) {
      it(name, async () => {
        await using connection = await tlsConnect({ host: ip, port, rejectUnauthorized: false });
        assert.deepEqual(
          Buffer.from(connection.facts.peerCertificate.raw),
          Buffer.from(issued.der),
        );
        await connection.send(request);
        await connection.read.until(servedText);
      });
    }
  });

  it("all of them are shown, in the API and by the CLI", async () => {
    const { status, body } = await director.api("/v1/certificates");
    assert.equal(status, 200);
    assert.equal((body as readonly object[]).length, cases.length + 2);
    const shown = await director.cli("show", "certificates");
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /^odd-0 +ok/m);
  });

  it("what only engine node serves is refused on bun, which says the certificate and the reason", async () => {
    for (const [name, { fields, refusal }] of Object.entries(nodeOnlyCertificates)) {
      const { chainPem, keyPem, der } = issueOddCertificate(fields);
      const odd = { port: 9000, to: 80, certificates: ["odd"] };
      const vnics = { odd: { ip: uniqueVirtualIp(), listeners: [odd] } };
      const { servers, profiles, certificates } = document as Record<string, object>;
      const wanted = {
        servers,
        profiles: { ...profiles, odd: { servers: ["web"], vnics } },
        certificates: { ...certificates, odd: { chain: "odd.pem", key: "odd.key" } },
      };
      await writeFiles(director.dir, { "odd.pem": chainPem, "odd.key": keyPem });
      const { outcome, line } = await director.reload(wanted, 30_000);
      if (engine === "bun") {
        assert.equal(outcome, "refused", name);
        assert.equal(line["code"], "engine-lacks-key");
        assert.match(String(line["msg"]), /Certificate odd has/);
        assert.match(String(line["msg"]), refusal);
        continue;
      }
      assert.equal(outcome, "applied", name);
      const client = { host: vnics.odd.ip, port: 9000, rejectUnauthorized: false };
      await using connection = await tlsConnect(client);
      assert.deepEqual(Buffer.from(connection.facts.peerCertificate.raw), Buffer.from(der));
    }
  });
});
