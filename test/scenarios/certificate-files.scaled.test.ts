import assert from "node:assert/strict";
import { mkdir, rename, rm, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { CertificateStatus } from "#model/records/status.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { assertNoTraces, keyTraces, textsOf } from "#harness/key-traces.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";

/** A certificate for each scenario, so that they run beside each other: looking at files takes a second. */
const plain = [
  ...["renewed", "mixed", "half-written", "expired-new", "ends", "stays"],
  ...["fewer", "spoilt", "deleted"],
];
const noticeMs = 15_000;
const stamp = new Date("2007-08-27T00:00:00Z");
/** How long a certificate is to be valid that expires while the director runs. */
const shortLifeMs = 15_000;

/** Writes the files in place, with the same times whenever that is. */
async function writeStamped(folder: string, issued: IssuedCertificate): Promise<void> {
  const { chain, key } = await issued.writeTo(folder, "stamped");
  for (const path of [chain, key]) await utimes(path, stamp, stamp);
}

const request = "GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n";

const nameOf = (certificate: string): string =>
  `${certificate === "stays" ? "ends" : certificate}.example`;

forEachEngineIfLong("node", (engine) => {
  const ip = uniqueVirtualIp();
  const everIssued: IssuedCertificate[] = [];
  const first = new Map<string, IssuedCertificate>();
  let ca: TestCa;
  let endpoint: Endpoint;
  let director: Director;
  let document: object;
  let stampedFolder: string;

  const issue = async (
    certificate: string,
    options: {
      readonly notAfter?: Date;
      readonly validity?: "expired";
      readonly names?: readonly string[];
    } = {},
  ): Promise<IssuedCertificate> => {
    const names = [nameOf(certificate), `www.${nameOf(certificate)}`];
    const issued = await ca.issue({ names, ...options });
    everIssued.push(issued);
    return issued;
  };

  const clientOf = (certificate: string): TlsConnectOptions => ({
    host: ip,
    port: 8443,
    ca: ca.certificatePem,
    servername: nameOf(certificate),
  });

  const servedSerial = async (certificate: string): Promise<string> => {
    const { facts } = await visit(clientOf(certificate));
    return facts.peerCertificate.serialNumber.toLowerCase();
  };

  const untilServed = (certificate: string, issued: IssuedCertificate): Promise<unknown> =>
    eventually(
      async () => (await servedSerial(certificate)) === issued.serial,
      noticeMs,
      `the new certificate ${certificate}`,
    );

  const statusOf = async (certificate: string): Promise<CertificateStatus | undefined> =>
    (await director.status()).certificates.find(({ name }) => name === certificate);

  const untilRefused = (certificate: string): Promise<CertificateStatus> =>
    eventually(
      async () => {
        const status = await statusOf(certificate);
        return status?.state === "refused" && status;
      },
      noticeMs,
      `the refusal of certificate ${certificate}`,
    );

  before(async () => {
    ca = await createTestCa();
    endpoint = await startHttpEndpoint(servedText);
    const files: Record<string, string> = {};
    for (const name of [...plain, "swapped"]) {
      const issued = await issue(name);
      first.set(name, issued);
      const folder = name === "swapped" ? "swapped/" : "";
      files[`${folder}${name}.pem`] = issued.chainPem;
      files[`${folder}${name}.key`] = issued.keyPem;
    }
    stampedFolder = await makeTempFolder();
    const stamped = await issue("stamped");
    first.set("stamped", stamped);
    await writeStamped(stampedFolder, stamped);
    const pathsOf = (name: string): object => ({ chain: `${name}.pem`, key: `${name}.key` });
    const certificates = {
      ...Object.fromEntries(plain.map((name) => [name, pathsOf(name)])),
      stamped: pathsOf(join(stampedFolder, "stamped")),
      swapped: pathsOf("swapped/swapped"),
    };
    const listener = { certificates: Object.keys(certificates) };
    const shop = { ip, servers: { web: endpoint.host }, to: endpoint.port };
    document = shopDocument({ ...shop, listener, more: { certificates } });
    director = await startDirector({ document, engine, files });
  });

  describe("changed files", { concurrency: true }, () => {
    it("are served to new handshakes, and open connections go on", async () => {
      await using open = await tlsConnect(clientOf("renewed"));
      await open.send(request);
      await open.read.until(servedText);
      const renewed = await issue("renewed");
      const from = director.logs.length;
      await renewed.writeTo(director.dir, "renewed");
      await untilServed("renewed", renewed);
      await director.waitForLog(
        (line) =>
          isEvent(line, "certificate-changed") &&
          (line["certificates"] as readonly string[]).includes("renewed"),
        noticeMs,
        from,
      );
      // Every worker shows the certificate from here on.
      const serials = await Promise.all(Array.from({ length: 8 }, () => servedSerial("renewed")));
      assert.deepEqual(new Set(serials), new Set([renewed.serial]));
      await open.send(request);
      await open.read.until(servedText);
      assert.equal((await statusOf("renewed"))?.state, "ok");
    });

    it("are noticed when a symlink is swapped, as Kubernetes does it", async () => {
      const folder = join(director.dir, "swapped");
      const swapTo = async (issued: IssuedCertificate, version: string): Promise<void> => {
        await mkdir(join(folder, version), { recursive: true });
        await issued.writeTo(join(folder, version), "swapped");
        await symlink(version, join(folder, "..data_tmp"));
        await rename(join(folder, "..data_tmp"), join(folder, "..data"));
      };
      const second = await issue("swapped");
      await swapTo(second, "..version_2");
      for (const file of ["swapped.pem", "swapped.key"]) {
        await symlink(join("..data", file), join(folder, `${file}.tmp`));
        await rename(join(folder, `${file}.tmp`), join(folder, file));
      }
      await untilServed("swapped", second);
      const third = await issue("swapped");
      await swapTo(third, "..version_3");
      await untilServed("swapped", third);
    });

    it("are noticed where size and mtime are those of the files before", async () => {
      const size = first.get("stamped")?.chainPem.length;
      const second = await eventually(
        async () => {
          const issued = await issue("stamped");
          return issued.chainPem.length === size && issued;
        },
        noticeMs,
        "a certificate of the same size",
      );
      await writeStamped(stampedFolder, second);
      await untilServed("stamped", second);
    });

    it("with a key that does not match are refused, said so, and can be mended", async () => {
      const good = first.get("mixed");
      const [next, other] = [await issue("mixed"), await issue("mixed")];
      const files = { "mixed.pem": next.chainPem, "mixed.key": other.keyPem };
      await writeFiles(director.dir, files);
      const { problem, facts } = await untilRefused("mixed");
      assert.match(problem ?? "", /private key does not belong to the certificate/);
      assert.equal(facts?.serialNumber.toLowerCase(), good?.serial);
      assert.equal(await servedSerial("mixed"), good?.serial);
      const shown = await director.cli("show", "certificates", "mixed");
      assert.match(shown.stdout, /mixed +refused/);
      assert.match(
        shown.stdout,
        /Needs attention:\n +mixed, refused: .+does not belong.+ The previous version is served\./,
      );
      const isRefusal = (line: LogLine): boolean =>
        isEvent(line, "certificate-refused") && line["path"] === "certificates.mixed.key";
      await director.waitForLog(isRefusal);

      await writeFiles(director.dir, { "mixed.key": next.keyPem });
      await untilServed("mixed", next);
      await eventually(async () => (await statusOf("mixed"))?.state === "ok", noticeMs, "state ok");
    });

    it("that are half written, or gone, leave the last good ones in place", async () => {
      const good = first.get("half-written");
      const next = await issue("half-written");
      const half = next.chainPem.slice(0, next.chainPem.length / 2);
      await writeFiles(director.dir, { "half-written.pem": half });
      assert.match((await untilRefused("half-written")).problem ?? "", /not closed/);
      assert.equal(await servedSerial("half-written"), good?.serial);

      const key = join(director.dir, "half-written.key");
      await rename(key, `${key}.away`);
      await eventually(
        async () => /does not exist/.test((await statusOf("half-written"))?.problem ?? ""),
        noticeMs,
        "the refusal of a missing file",
      );
      assert.equal(await servedSerial("half-written"), good?.serial);

      await next.writeTo(director.dir, "half-written");
      await untilServed("half-written", next);
    });

    it("with an expired certificate never win over the valid one", async () => {
      const old = await issue("expired-new", { validity: "expired" });
      await old.writeTo(director.dir, "expired-new");
      assert.match((await untilRefused("expired-new")).problem ?? "", /expired on/);
      assert.equal(await servedSerial("expired-new"), first.get("expired-new")?.serial);
    });

    it("are refused if they cover fewer names, until the document allows it", async () => {
      const fewer = await issue("fewer", { names: [nameOf("fewer")] });
      await fewer.writeTo(director.dir, "fewer");
      const { attention, problem } = await untilRefused("fewer");
      assert.match(problem ?? "", /does not cover www\.fewer\.example/);
      assert.match(attention[0]?.hint ?? "", /allowFewerNames: true/);
      assert.equal(await servedSerial("fewer"), first.get("fewer")?.serial);
      const set = await director.cli("set", "certificate", "fewer", "allowFewerNames=true");
      assert.equal(set.code, 0, set.stderr);
      assert.equal(await servedSerial("fewer"), fewer.serial);
    });

    it("of a certificate that expires while it is served give way to a valid one of the same name", async () => {
      const notAfter = new Date(Date.now() + shortLifeMs);
      const short = await issue("ends", { notAfter });
      await short.writeTo(director.dir, "ends");
      await untilServed("ends", short);
      await delay(notAfter.getTime() - Date.now());
      assert.equal(await servedSerial("ends"), first.get("stays")?.serial);
    });
  });

  it("no private key shows in a log line, a reply, a metric, an error or the state", async () => {
    const [key] = everIssued;
    await writeFiles(director.dir, { "stays.pem": key?.keyPem ?? "" });
    await untilRefused("stays");
    const certificates = { "half-written": { chain: key?.keyPem, key: key?.keyPem } };
    assert.equal((await director.reload({ ...document, certificates })).outcome, "refused");
    const traces = everIssued.flatMap(({ keyPem }) => keyTraces(keyPem));
    assert.ok(traces.length > everIssued.length * 3);
    assertNoTraces(await textsOf(director), traces);
  });

  // It ends the director of the other scenarios.
  it("files become versions, and the last good one is served after a restart unless a file was deleted", async () => {
    const paths = ["pem", "key"].map((ending) => join(director.dir, `spoilt.${ending}`));
    for (const action of ["rotate", "rollback"]) {
      const files = [{ name: "any.pem", text: first.get("stays")?.chainPem ?? "" }];
      const body = action === "rotate" ? { files } : {};
      const path = `/v1/certificates/spoilt/${action}`;
      const { body: refusal } = await director.api(path, { method: "POST", body });
      const { code, message } = refusal as { readonly code: string; readonly message: string };
      assert.equal(code, "files-source");
      for (const file of paths) assert.ok(message.includes(file), message);
    }
    const good = await issue("spoilt");
    await good.writeTo(director.dir, "spoilt");
    await untilServed("spoilt", good);
    const shown = await eventually(
      async () => {
        const { stdout } = await director.cli("show", "certificate", "spoilt");
        return /\n +2 +active/.test(stdout) && stdout;
      },
      noticeMs,
      "the second version",
    );
    assert.match(shown, /\n +1 +previous /);
    assert.match(shown, /certificate-watcher +\S+spoilt\.pem/);

    await director.stop();
    await writeFiles(director.dir, { "spoilt.pem": "garbage", "deleted.key": "" });
    await rm(join(director.dir, "deleted.key"));
    director = await startDirector({ document, engine, folder: director.dir });
    assert.equal(await servedSerial("spoilt"), good.serial);
    const { attention = [], state } = (await statusOf("spoilt")) ?? {};
    assert.equal(state, "refused");
    const codes = attention.map(({ code }) => code);
    assert.deepEqual(codes.slice(0, 2), ["refused", "last-good-served"]);
    await director.waitForLog((line) => line["code"] === "last-good-served");
    assert.equal((await statusOf("deleted"))?.state, "unusable");
    const next = await issue("spoilt");
    await next.writeTo(director.dir, "spoilt");
    await untilServed("spoilt", next);
    await eventually(async () => (await statusOf("spoilt"))?.state === "ok", noticeMs, "state ok");
    assertNoTraces(await textsOf(director), keyTraces(good.keyPem));
  });
});
