import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { curl, gnutlsClient, opensslClient } from "#harness/clients.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { requirePackage } from "#harness/packages.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { writeFiles } from "#harness/temp-folder.ts";

const body = "x".repeat(200_000);
const versions = ["1.2", "1.3"] as const;

forEachEngine((engine) => {
  let shop: Shop<"front">;
  let port: string;
  let caPath: string;
  let bodyPath: string;

  before(async () => {
    const endpoint = await startHttpEndpoint((request, response) => {
      request.setEncoding("utf8").on("data", (text: string) => void response.write(text));
      request.on("end", () => response.end("end of answer\n"));
    });
    shop = await startShop({ engine, listeners: { front: { to: endpoint.port } } });
    port = String(shop.portOf("front"));
    caPath = join(shop.director.dir, "ca.pem");
    bodyPath = join(shop.director.dir, "body");
    await writeFiles(shop.director.dir, { "ca.pem": shop.ca.certificatePem, body });
  });

  for (const version of versions) {
    describe(`over TLS ${version}`, { concurrency: true }, () => {
      const request = "GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";

      it("openssl s_client verifies the certificate and gets the answer whole", async () => {
        const run = await opensslClient(
          [
            ...["-connect", `${shop.ip}:${port}`, "-servername", "shop.example"],
            ...["-CAfile", caPath, "-verify_return_error", "-verify_hostname", "shop.example"],
            ...["-ign_eof", `-tls${version.replace(".", "_")}`],
          ],
          { input: request },
        );
        assert.equal(run.protocol, `TLSv${version}`, run.output);
        assert.equal(run.verifyCode, 0);
        assert.match(run.stdout, /^HTTP\/1\.1 200 OK\r$[\s\S]*end of answer$/m);
      });

      it("curl posts 200 KB and gets them back", async (t) => {
        if (!(await requirePackage(t, "curl"))) return;
        const run = await curl([
          ...["--cacert", caPath, "--resolve", `shop.example:${port}:${shop.ip}`],
          ...[`--tlsv${version}`, "--tls-max", version, "-H", "Expect:"],
          ...["--data-binary", `@${bodyPath}`, `https://shop.example:${port}/`],
        ]);
        assert.equal(run.code, 0, run.stderr);
        assert.ok(run.stdout === `${body}end of answer\n`, run.stdout.slice(-100));
      });

      it("gnutls-cli trusts the certificate and gets the answer whole", async (t) => {
        if (!(await requirePackage(t, "gnutls-bin", "gnutls-cli"))) return;
        const run = await gnutlsClient(
          [
            ...[shop.ip, "-p", port, "--x509cafile", caPath],
            ...["--sni-hostname", "shop.example", "--verify-hostname", "shop.example"],
            ...["--priority", `NORMAL:-VERS-ALL:+VERS-TLS${version}`],
          ],
          { input: request, until: /^end of answer$/m },
        );
        assert.ok(run.isConnected && run.isTrusted, run.output);
        assert.match(run.description ?? "", new RegExp(`^\\(TLS${version}`));
        assert.match(run.stdout, /^HTTP\/1\.1 200 OK\r$[\s\S]*^end of answer$/m);
      });
    });
  }
});
