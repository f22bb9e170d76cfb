import assert from "node:assert/strict";
import { before, it } from "node:test";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";

const wildcard = "*.shop.example";
const pair = { chain: "shop.pem", key: "shop.key" };

forEachEngineIfLong("bun", (engine) => {
  let shop: Shop<"web">;

  before(async () => {
    const endpoint = await startHttpEndpoint(servedText);
    const names = [wildcard, "shop.example", "www.shop.example"];
    shop = await startShop({
      engine,
      listeners: { web: { to: endpoint.port, certificates: names } },
      more: { certificates: Object.fromEntries(names.map((name) => [name, pair])) },
    });
  });

  it("serves a certificate that is called like its names, and labels its metrics so", async () => {
    const { director, ca, ip } = shop;
    const target = { host: ip, port: shop.portOf("web"), ca: ca.certificatePem };
    const { facts } = await visit({ ...target, servername: "shop.example" });
    assert.equal(facts.peerCertificate.subject.CN, "shop.example");
    const metrics = await director.metrics();
    const expiries = metrics.matching("tlsd_certificate_not_after_seconds", {
      certificate: wildcard,
    });
    assert.equal(expiries.length, 1);
  });

  it("tlsd show finds a certificate by its literal name before it takes a `*` for a wildcard", async () => {
    const shown = async (name: string): Promise<unknown> => {
      const { stdout } = await shop.director.cli("show", "certificates", name, "--json");
      return (JSON.parse(stdout) as { readonly name: string }[]).map((entry) => entry.name);
    };
    assert.deepEqual(await shown(wildcard), [wildcard]);
    assert.deepEqual(await shown("*.example"), [wildcard, "shop.example", "www.shop.example"]);
    assert.deepEqual(await shown("w*.example"), ["www.shop.example"]);
    assert.deepEqual(await shown("shop.example"), ["shop.example"]);
    const { code, stderr } = await shop.director.cli("show", "certificates", "*.shopxexample");
    assert.equal(code, 1);
    assert.match(stderr, /There is no certificate "\*\.shopxexample"/);
  });

  it("names the place of a certificate in the log when its new files are refused", async () => {
    const { director } = shop;
    const other = await (await createTestCa()).issue({ names: ["shop.example"] });
    const from = director.logs.length;
    await writeFiles(director.dir, { "shop.key": other.keyPem });
    const path = `certificates["${wildcard}"].key`;
    await director.waitForLog(
      (line) => isEvent(line, "certificate-refused") && line["path"] === path,
      15_000,
      from,
    );
    const refused = (await director.status()).certificates.filter(({ state }) => state !== "ok");
    assert.ok(refused.some(({ name }) => name === wildcard));
  });
});
