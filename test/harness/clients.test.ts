import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { TlsOptions } from "node:tls";
import { curl, gnutlsClient, opensslClient } from "./clients.ts";
import { startEchoEndpoint, startHttpEndpoint } from "./endpoints.ts";
import { requirePackage } from "./packages.ts";
import { makeTempFolder, writeFiles } from "./temp-folder.ts";
import { createTestCa, type TestCa } from "./test-ca.ts";

describe("the command line clients", () => {
  let folder: string;
  let caPath: string;
  let ca: TestCa;
  let tls: TlsOptions;

  before(async () => {
    folder = await makeTempFolder();
    ca = await createTestCa();
    await writeFiles(folder, { "ca.pem": ca.certificatePem });
    caPath = join(folder, "ca.pem");
    const issued = await ca.issue({ names: ["shop.example"] });
    tls = { cert: issued.chainPem, key: issued.keyPem, ALPNProtocols: ["http/1.1"] };
  });

  it("openssl tells what was negotiated, and resumes a session", async () => {
    const { port } = await startEchoEndpoint({ tls });
    const args = ["-connect", `127.0.0.1:${port}`, "-servername", "shop.example"];
    const first = await opensslClient(
      [...args, "-CAfile", caPath, "-alpn", "http/1.1", "-sess_out", join(folder, "session")],
      { input: "hello\n", until: /^hello$/m },
    );
    assert.ok(first.isConnected, first.output);
    assert.equal(first.protocol, "TLSv1.3");
    assert.equal(first.cipher, "TLS_AES_256_GCM_SHA384");
    assert.equal(first.group, "X25519");
    assert.equal(first.alpn, "http/1.1");
    assert.equal(first.verifyCode, 0);
    assert.equal(first.isResumed, false);
    const second = await opensslClient([...args, "-sess_in", join(folder, "session")]);
    assert.equal(second.isResumed, true);
    const older = await opensslClient([...args, "-tls1_2"]);
    assert.equal(older.protocol, "TLSv1.2");
    assert.notEqual(older.verifyCode, 0);
  });

  it("openssl tells the alert of a handshake that failed", async () => {
    const { port } = await startEchoEndpoint({ tls: { ...tls, minVersion: "TLSv1.3" } });
    const refused = await opensslClient(["-connect", `127.0.0.1:${port}`, "-tls1_2"]);
    assert.equal(refused.isConnected, false);
    assert.equal(refused.protocol, undefined);
    assert.equal(refused.alert, 70);
  });

  it("gnutls tells what was negotiated", async (t) => {
    if (!(await requirePackage(t, "gnutls-bin", "gnutls-cli"))) return;
    const { port } = await startEchoEndpoint({ tls });
    const args = ["127.0.0.1", "-p", String(port), "--verify-hostname", "shop.example"];
    const good = await gnutlsClient([
      ...args,
      "--sni-hostname",
      "shop.example",
      "--x509cafile",
      caPath,
    ]);
    assert.ok(good.isConnected && good.isTrusted, good.output);
    assert.match(good.description ?? "", /^\(TLS1\.3/);
    assert.equal((await gnutlsClient(args)).isTrusted, false);
  });

  it("curl gets an answer over TLS with the CA", async (t) => {
    if (!(await requirePackage(t, "curl"))) return;
    const { port } = await startHttpEndpoint("from the shop\n", { tls });
    const resolve = ["--resolve", `shop.example:${port}:127.0.0.1`];
    const url = `https://shop.example:${port}/`;
    const reply = await curl([...resolve, "--cacert", caPath, "-w", "%{http_code}", url]);
    assert.equal(reply.stdout, "from the shop\n200", reply.stderr);
    assert.equal((await curl([...resolve, url])).code, 60);
  });
});
