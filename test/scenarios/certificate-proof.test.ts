import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, it } from "node:test";
import type { CertificateProof } from "#model/records/certificate-proof.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { forEachEngine } from "#harness/engines.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { writeFiles, type FileContents } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import type { KeyType } from "#harness/test-keys.ts";

interface Kind {
  readonly names: readonly string[];
  readonly keyType?: KeyType;
}

/** Certificates that a client is shown only if it offers the right things. The listeners are below. */
const kinds = {
  shop: { names: ["shop.example", "www.shop.example"] },
  "shop-rsa": { names: ["shop.example", "www.shop.example"], keyType: "rsa" },
  /** A second certificate of the same type, for one more name. */
  more: { names: ["shop.example", "more.example"] },
  /** No client is shown this one: `shop` comes first. */
  hidden: { names: ["shop.example"] },
  star: { names: ["*.star.example"], keyType: "ecdsa-p384" },
  old: { names: ["old.example"], keyType: "ecdsa-p521" },
  "old-rsa": { names: ["old.example"], keyType: "rsa" },
  address: { names: ["192.0.2.7"] },
  wild: { names: ["*.mixed.example", "mixed.example"] },
  exact: { names: ["a.mixed.example"] },
  ed25519: { names: ["a.mixed.example"], keyType: "ed25519" },
  /** Clients of a strict listener cannot ask for these: an address, and a wildcard below a top-level domain. */
  unasked: { names: ["192.0.2.8", "*.example"] },
  added: { names: ["added.example"] },
} as const satisfies Readonly<Record<string, Kind>>;
type CertificateName = keyof typeof kinds;
const names = Object.keys(kinds) as CertificateName[];

const listeners = (to: number, ...added: readonly CertificateName[]): readonly object[] => [
  { port: 8443, to, certificates: ["shop", "shop-rsa", "more", "hidden", ...added] },
  { port: 8444, to, certificates: ["star", "unasked"], policy: "partners", strictServerName: true },
  { port: 8445, to, certificates: ["old", "old-rsa"], policy: "old" },
  { port: 8446, to, certificates: ["address"] },
  { port: 8447, to, certificates: ["wild", "exact", "ed25519"] },
];
const policies = {
  partners: { base: "modern", clientAuth: { mode: "require", ca: "ca.pem" }, alpn: ["h2"] },
  old: { base: "intermediate", maxVersion: "TLSv1.2", groups: ["X25519"] },
};

const headers = { "if-match": "*" };

const proofSockets = (): readonly string[] =>
  readFileSync("/proc/net/unix", "latin1").match(/@tlsd-proof-[0-9a-f]+/g) ?? [];

forEachEngine((engine) => {
  let ca: TestCa;
  let director: Director;
  let ids: readonly number[];
  let document: object;
  let documentWithMore: object;

  const filesOf = (name: CertificateName, issued: IssuedCertificate): FileContents => ({
    [`${name}.pem`]: issued.chainPem,
    [`${name}.key`]: issued.keyPem,
  });

  before(async () => {
    ca = await createTestCa();
    const issued = await Promise.all(
      names.map(async (name) => filesOf(name, await ca.issue(kinds[name]))),
    );
    const base = { ip: uniqueVirtualIp(), servers: { web: "127.0.0.1" }, to: 1 };
    const certificates = Object.fromEntries(
      names.map((name) => [name, { chain: `${name}.pem`, key: `${name}.key` }]),
    );
    const documentOf = (...added: readonly CertificateName[]): object =>
      shopDocument({
        ...base,
        vnic: { listeners: listeners(1, ...added) },
        more: { certificates, policies },
      });
    document = documentOf();
    documentWithMore = documentOf("added");
    const files: FileContents = Object.assign({ "ca.pem": ca.certificatePem }, ...issued);
    director = await startDirector({ document, engine, workers: 2, files });
    ids = (await director.workers()).map(({ id }) => id);
  });

  const linesSince = (from: number): readonly LogLine[] =>
    director.logs.slice(from).filter((line) => isEvent(line, "certificate-changed"));

  it("the log line of replaced files lists what each worker has shown, whatever a client must offer", async () => {
    const rotated = names.filter((name) => name !== "added");
    const askedFor = rotated.filter((name) => name !== "unasked");
    const issued = new Map<CertificateName, IssuedCertificate>();
    for (const name of rotated) issued.set(name, await ca.issue(kinds[name]));
    const from = director.logs.length;
    for (const [name, one] of issued) await writeFiles(director.dir, filesOf(name, one));
    const proofs = (): readonly CertificateProof[] =>
      linesSince(from).map((line) => line["proof"] as CertificateProof);
    const isLast = (): boolean =>
      askedFor.every((name) =>
        proofs().some(({ shown, hidden }) =>
          [...shown, ...hidden].some(({ certificate }) => certificate === name),
        ),
      );
    await director.waitForLog(
      (line) => isEvent(line, "certificate-changed") && isLast(),
      20_000,
      from,
    );
    const shown = proofs().flatMap((proof) => proof.shown);
    for (const name of askedFor.filter((one) => one !== "hidden")) {
      const serial = issued.get(name)?.serial;
      const by = shown.filter(
        (one) => one.certificate === name && one.serial.toLowerCase() === serial,
      );
      assert.deepEqual(new Set(by.map(({ worker }) => worker)), new Set(ids), name);
    }
    const hidden = proofs().flatMap((proof) => proof.hidden);
    assert.deepEqual(
      new Set(hidden.map(({ certificate, by }) => `${certificate} ${by}`)),
      new Set(["hidden shop"]),
    );
    for (const proof of proofs())
      assert.deepEqual([proof.unproven, proof.replaced, proof.untried], [[], [], 0]);
  });

  it("the reply of a change lists what each worker has shown", async () => {
    const { status, body } = await director.api("/v1/document", {
      method: "PUT",
      headers,
      body: documentWithMore,
    });
    assert.equal(status, 200, JSON.stringify(body));
    const { proof } = body as ChangeReply;
    assert.deepEqual(
      new Set(proof?.shown.map(({ worker, certificate }) => `${worker} ${certificate}`)),
      new Set(ids.map((id) => `${id} added`)),
    );
    const back = await director.api("/v1/document", {
      method: "PUT",
      headers,
      body: document,
    });
    assert.equal((back.body as ChangeReply).proof, undefined);
  });

  it("the CLI prints what each worker has shown", async () => {
    const path = join(director.dir, "more.json");
    await writeFile(path, JSON.stringify(documentWithMore));
    const { stdout, stderr, code } = await director.cli("apply", path, "--force");
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /Shown to new clients:\n {2}added with serial [0-9A-F]+ by worker \d+, \d+\n/,
    );
    await director.cli("undo");
  });

  it("proofs are not seen as connections, and leave no socket and no other worker", async () => {
    assert.deepEqual(proofSockets(), []);
    const metrics = await director.metrics();
    assert.equal(metrics.sum("tlsd_connections_accepted_total"), 0);
    assert.equal(metrics.sum("tlsd_handshakes_total"), 0);
    assert.equal(metrics.sum("tlsd_worker_restarts_total"), 0);
    assert.deepEqual(
      (await director.workers()).map(({ id }) => id),
      ids,
    );
  });
});
