import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { CertificateStatus, ListenerStatus, VnicStatus } from "#model/records/status.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { issueOddCertificate } from "#harness/odd-certificate.ts";
import { nodeOnlyCertificates } from "#harness/odd-certificates.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";

const noticeMs = 15_000;

/** The listeners of the document by what is wrong with them. */
const ports = {
  good: 8443,
  expired: 8444,
  missing: 8445,
  second: 8446,
  noCa: 8447,
  overdue: 8448,
  misfit: 8449,
} as const;

forEachEngineIfLong("bun", (engine) => {
  const ip = uniqueVirtualIp();
  let ca: TestCa;
  let director: Director;
  let document: Record<string, object>;

  const clientOf = (port: number): TlsConnectOptions => ({
    host: ip,
    port,
    ca: ca.certificatePem,
    servername: "shop.example",
  });
  const listenerAt = async (port: number): Promise<ListenerStatus> => {
    const { body } = await director.api("/v1/vnics");
    const vnic = (body as readonly VnicStatus[]).find(({ name }) => name === "front.shop");
    return vnic?.listeners.find((listener) => listener.port === port) ?? assert.fail(`${port}`);
  };
  const certificateOf = async (name: string): Promise<CertificateStatus> => {
    const { certificates } = await director.status();
    return certificates.find((certificate) => certificate.name === name) ?? assert.fail(name);
  };
  const untilOper = (port: number, oper: ListenerStatus["oper"]): Promise<boolean> =>
    eventually(
      async () => (await listenerAt(port)).oper === oper,
      noticeMs,
      `listener ${port} ${oper}`,
    );
  const untilState = (name: string, state: CertificateStatus["state"]): Promise<boolean> =>
    eventually(
      async () => (await certificateOf(name)).state === state,
      noticeMs,
      `certificate ${name} ${state}`,
    );

  before(async () => {
    ca = await createTestCa();
    const endpoint = await startHttpEndpoint(servedText);
    const issue = (options: object = {}) => ca.issue({ names: ["shop.example"], ...options });
    const files: Record<string, string> = {
      "ca.pem": ca.certificatePem,
      "late.crl": await ca.revocationList([], "expired"),
    };
    for (const [name, issued] of [
      ["good", await issue()],
      ["old", await issue({ validity: "expired" })],
      ["gone", await issue()],
      ["rsa", await issue({ keyType: "rsa" })],
    ] as const) {
      if (name === "gone") continue;
      files[`${name}.pem`] = issued.chainPem;
      files[`${name}.key`] = issued.keyPem;
    }
    const listenerOf = (
      port: number,
      certificates: readonly string[],
      policy = "intermediate",
    ) => ({
      ...{ port, to: endpoint.port, certificates, policy },
    });
    const listeners = [
      listenerOf(ports.good, ["good"]),
      listenerOf(ports.expired, ["old"]),
      listenerOf(ports.missing, ["gone"]),
      listenerOf(ports.second, ["gone", "good"]),
      listenerOf(ports.noCa, ["good"], "nobody"),
      listenerOf(ports.overdue, ["good"], "late"),
      listenerOf(ports.misfit, ["good"], "rsa-only"),
    ];
    const names = ["good", "old", "gone", "rsa"];
    document = {
      servers: { web: { address: endpoint.host } },
      profiles: { shop: { servers: ["web"], vnics: { front: { ip, listeners } } } },
      certificates: Object.fromEntries(
        names.map((name) => [name, { chain: `${name}.pem`, key: `${name}.key` }]),
      ),
      policies: {
        nobody: { clientAuth: { mode: "require", ca: "no-ca.pem" } },
        late: { clientAuth: { mode: "request", ca: "ca.pem", crl: "late.crl" } },
        "rsa-only": { maxVersion: "TLSv1.2", cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256"] },
      },
    };
    // The misfit is what a renewal left behind that was written while no director ran.
    director = await startDirector({ document, engine, files });
  });

  it("a director starts in spite of files that cannot be used, and serves what it can", async () => {
    await visit(clientOf(ports.good));
    await visit(clientOf(ports.second));
    // Its clients see for themselves that the certificate has expired.
    await assert.rejects(visit(clientOf(ports.expired)), { code: "CERT_HAS_EXPIRED" });
    // A client without a certificate is served, whatever the age of the revocation list.
    await visit(clientOf(ports.overdue));
    // Nobody could be verified, so nobody is accepted.
    for (const port of [ports.missing, ports.noCa]) {
      await assert.rejects(tlsConnect(clientOf(port)), { code: "ECONNREFUSED" });
    }
  });

  it("each of its listeners says why it is not up, in the API, the CLI and the log", async () => {
    for (const [port, oper, reason] of [
      [ports.good, "up", undefined],
      [ports.expired, "impaired", /certificate old: The certificate expired on/],
      [ports.missing, "down", /certificate gone: .*does not exist/],
      [ports.second, "impaired", /certificate gone/],
      [ports.noCa, "down", /policy nobody.*does not exist/],
      [ports.overdue, "impaired", /revocation list .* was due/],
      [ports.misfit, "impaired", /No TLS 1\.2 cipher suite of policy rsa-only/],
    ] as const) {
      const listener = await listenerAt(port);
      assert.equal(listener.oper, oper, `${port}`);
      if (reason === undefined) assert.equal(listener.reason, undefined);
      else assert.match(listener.reason ?? "", reason);
    }
    assert.equal((await certificateOf("old")).state, "expired");
    assert.equal((await certificateOf("gone")).state, "unusable");
    const shown = await director.cli("show", "listeners");
    assert.match(shown.stdout, /^front\.shop:8445 +tcp +\d+ +down /m);
    assert.match(shown.stdout, /^ {2}front\.shop:8444: certificate old: The certificate expired/m);
    const { notices } = await director.status();
    assert.match(notices.join("\n"), /Listeners that cannot serve all clients: 6\./);
    await director.waitForLog((line) => isEvent(line, "listeners-impaired"));
    const states = director.logs.filter((line) => isEvent(line, "listener-state"));
    assert.deepEqual(
      states.map((line) => `${String(line["listener"])} ${String(line["state"])}`),
      [
        ...["front.shop:8444 impaired", "front.shop:8445 down", "front.shop:8446 impaired"],
        ...["front.shop:8447 down", "front.shop:8448 impaired", "front.shop:8449 impaired"],
      ],
    );
    const warned = director.logs.filter((line) => isEvent(line, "document-warning"));
    assert.ok(warned.some((line) => line["code"] === "certificate-expired"));
  });

  it("a reload applies the rest of the document while the bad files lie there", async () => {
    const servers = { ...document["servers"], more: { address: "127.0.0.1" } };
    const changed = await director.reload({ ...document, servers });
    assert.equal(changed.outcome, "applied", JSON.stringify(changed.line));
    await visit(clientOf(ports.good));
    // A certificate that only comes with the change must be good.
    const certificates = { ...document["certificates"], late: { chain: "nothing.pem" } };
    assert.equal((await director.reload({ ...document, certificates })).outcome, "refused");
    // A listener that works must not begin to use one that cannot be used.
    const text = JSON.stringify(document);
    const moved = text.replace('"certificates":["good"]', '"certificates":["gone"]');
    assert.notEqual(moved, text);
    assert.equal((await director.reload(moved)).outcome, "refused");
    await visit(clientOf(ports.good));
    assert.equal((await director.reload(document)).outcome, "applied");
  });

  it("a listener comes up as soon as its files can be used", async () => {
    const issued = await ca.issue({ names: ["shop.example"] });
    await issued.writeTo(director.dir, "gone");
    await writeFiles(director.dir, { "no-ca.pem": ca.certificatePem });
    await untilOper(ports.missing, "up");
    await visit(clientOf(ports.missing));
    await untilOper(ports.noCa, "up");
    await (await ca.issue({ names: ["shop.example"] })).writeTo(director.dir, "old");
    await untilOper(ports.expired, "up");
    await visit(clientOf(ports.expired));
    await writeFiles(director.dir, { "late.crl": await ca.revocationList([]) });
    await untilOper(ports.overdue, "up");
    await director.waitForLog(
      (line) =>
        isEvent(line, "listener-state") &&
        line["listener"] === "front.shop:8444" &&
        line["state"] === "up",
      noticeMs,
    );
    await director.waitForLog(
      (line) => isEvent(line, "listening") && line["listener"] === "front.shop:8445",
    );
  });

  it("one certificate that the engine refuses stands in the way of no other, and of no reload", async () => {
    const [odd] = Object.values(nodeOnlyCertificates);
    const { chainPem, keyPem } = issueOddCertificate(odd?.fields ?? {});
    const renewed = await ca.issue({ names: ["shop.example"] });
    const from = director.logs.length;
    // Both are changed in the same look.
    await writeFiles(director.dir, { "rsa.pem": chainPem, "rsa.key": keyPem });
    await renewed.writeTo(director.dir, "good");
    await eventually(
      async () => {
        const { facts } = await visit(clientOf(ports.good));
        return facts.peerCertificate.serialNumber.toLowerCase() === renewed.serial;
      },
      noticeMs,
      "the renewed certificate",
    );
    if (engine === "node") {
      await untilState("rsa", "ok");
      return;
    }
    await untilState("rsa", "refused");
    const { problem } = await certificateOf("rsa");
    assert.match(problem ?? "", /^Certificate rsa has .*which engine bun does not accept/);
    assert.equal((await certificateOf("good")).state, "ok");
    await director.waitForLog((line) => isEvent(line, "certificate-refused"), noticeMs, from);
    const refused = director.logs
      .slice(from)
      .filter((line) => isEvent(line, "certificate-refused"));
    assert.deepEqual(new Set(refused.map((line) => line["path"])), new Set(["certificates.rsa"]));
    const servers = { ...document["servers"], other: { address: "127.0.0.1" } };
    assert.equal((await director.reload({ ...document, servers })).outcome, "applied");
    assert.equal((await certificateOf("rsa")).state, "refused");
    await (
      await ca.issue({ names: ["shop.example"], keyType: "rsa" })
    ).writeTo(director.dir, "rsa");
    await untilState("rsa", "ok");
  });
});
