import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { CertificateDetail } from "#model/records/certificate-detail.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { createTestCa, type IssuedCertificate } from "#harness/test-ca.ts";

// The control process answers, whatever the engine of its workers.
describe("what is said of certificates", { concurrency: true }, () => {
  let shop: Shop<"web" | "secured">;
  let expired: IssuedCertificate;

  before(async () => {
    const root = await createTestCa("root");
    const intermediate = await root.issueIntermediate("between");
    const long = await intermediate.issue({ names: ["long.example"] });
    expired = await root.issue({ names: ["old.example"], validity: "expired" });
    const client = await root.issue({ names: ["client.example"], usage: "client" });
    const pairOf = (name: string): object => ({ chain: `${name}.pem`, key: `${name}.key` });
    shop = await startShop({
      engine: "node",
      listeners: {
        web: { to: 9, certificates: ["shop", "long", "old", "missing"] },
        secured: { to: 9, endpointTls: { verify: false, certificate: "client" } },
      },
      more: {
        certificates: {
          shop: pairOf("shop"),
          client: pairOf("client"),
          missing: pairOf("missing"),
          long: pairOf("long"),
          spare: pairOf("shop"),
          old: pairOf("old"),
        },
      },
      files: {
        "long.pem": long.chainPem + root.certificatePem,
        "long.key": long.keyPem,
        "old.pem": expired.chainPem,
        "old.key": expired.keyPem,
        "client.pem": client.chainPem,
        "client.key": client.keyPem,
      },
    });
  });

  it("tlsd show certificates begins with what needs attention most", async () => {
    const { code, stdout } = await shop.director.cli("show", "certificates");
    assert.equal(code, 0);
    const [table = "", remarks = ""] = stdout.split("\nNeeds attention:\n");
    const rows = table.split("\n").map((row) => row.split(/ {2,}/).slice(0, 3).join(" "));
    assert.deepEqual(rows.slice(1, 5), [
      "old expired expired",
      "missing unusable refused",
      "spare ok unused",
      "long ok root-in-chain",
    ]);
    assert.deepEqual(rows.slice(5, 7).toSorted(), ["client ok -", "shop ok -"]);
    assert.match(remarks, /^ {2}old, expired: The certificate expired on [\d-]+\. Renew it/);
    assert.match(remarks, /^ {2}long, root-in-chain: The chain contains the root CN=root/m);
  });

  it("the API has the reasons in each entry of the list", async () => {
    const { body } = await shop.director.api("/v1/certificates");
    const found = (body as readonly CertificateStatus[]).map(({ name, attention, uses }) => [
      name,
      attention.map(({ code }) => code).join(),
      uses,
    ]);
    assert.deepEqual(found, [
      ["client", "", 1],
      ["long", "root-in-chain", 1],
      ["missing", "refused", 1],
      ["old", "expired", 1],
      ["shop", "", 2],
      ["spare", "unused", 0],
    ]);
  });

  it("tlsd show certificate has the chain and every use", async () => {
    const [text, json] = await Promise.all([
      shop.director.cli("show", "certificate", "long"),
      shop.director.cli("show", "certificate", "client", "--json"),
    ]);
    assert.deepEqual([text.code, json.code], [0, 0]);
    assert.match(text.stdout, /^certificate {3}long\n.*\nstate {9}ok\nnames {9}long\.example\n/);
    assert.match(text.stdout, /^key {11}ecdsa P-256$/m);
    assert.match(text.stdout, /^SPKI pin {6}sha256\/[A-Za-z\d+/]{43}=$/m);
    assert.match(
      text.stdout,
      /^ *1 +CN=long\.example +CN=between .*\n *2 +CN=between +CN=root .*\n *3 +CN=root +CN=root /m,
    );
    assert.match(
      text.stdout,
      /^front\.shop:8443 +clients +profiles\.shop\..*\.certificates\[1\]$/m,
    );
    const { usedBy, chain, facts } = JSON.parse(json.stdout) as CertificateDetail;
    assert.deepEqual(
      usedBy.map(({ listener, shownTo }) => [listener, shownTo]),
      [["front.shop:8444", "endpoints"]],
    );
    assert.deepEqual([chain?.certificates.length, chain?.isPublic], [1, false]);
    assert.equal(facts?.serialNumber, chain?.certificates[0]?.serialNumber);
  });

  it("tlsd check warns of what the files give reason for", async () => {
    const { body } = await shop.director.api("/v1/status");
    const { warnings } = body as { readonly warnings: readonly { readonly code: string }[] };
    assert.ok(warnings.some(({ code }) => code === "root-in-chain"));
  });

  it("a certificate that does not exist is a named failure", async () => {
    const { status, body } = await shop.director.api("/v1/certificates/nothing/status");
    assert.deepEqual([status, (body as { readonly code: string }).code], [404, "not-found"]);
    const { code, stderr } = await shop.director.cli("show", "certificate", "nothing");
    assert.equal(code, 1);
    assert.match(stderr, /There is no certificate named "nothing"/);
  });
});
