import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { isEvent } from "#harness/log-capture.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { runTlsd } from "#harness/tlsd.ts";

const expected = [
  ["vnic-without-listeners", "profiles.idle.vnics.spare.listeners"],
  ["unused-certificate", 'certificates["*.spare.example"]'],
  ["ca-without-root", "policies.partners.clientAuth.ca"],
  ["wildcard-virtual-ip", "profiles.idle.vnics.spare.ip"],
];

// The control process answers, whatever the engine of its workers.
describe("what a document should not have, and is served all the same", () => {
  let shop: Shop<"web">;
  let rootPem: string;
  let intermediatePem: string;

  before(async () => {
    const root = await createTestCa("partners");
    rootPem = root.certificatePem;
    intermediatePem = (await root.issueIntermediate("intermediate")).certificatePem;
    const pair = { chain: "shop.pem", key: "shop.key" };
    shop = await startShop({
      engine: "node",
      listeners: { web: { to: 9 } },
      files: { "ca.pem": intermediatePem },
    });
    const { document } = shop as { readonly document: { readonly profiles: object } };
    const { outcome } = await shop.director.reload({
      ...document,
      certificates: { shop: pair, "*.spare.example": pair },
      profiles: { ...document.profiles, idle: { vnics: { spare: { ip: "0.0.0.0" } } } },
      policies: { partners: { clientAuth: { mode: "require", ca: "ca.pem" } } },
    });
    assert.equal(outcome, "applied");
  });

  const sorted = (places: readonly (readonly unknown[])[]) =>
    places.map((place) => place.join(" ")).toSorted();

  it("tlsd check prints it and ends well", async () => {
    const { code, stdout } = await runTlsd(["check", shop.director.documentPath, "--json"]);
    assert.equal(code, 0);
    const { problems } = JSON.parse(stdout) as {
      readonly problems: readonly { readonly code: string; readonly path: string }[];
    };
    assert.deepEqual(
      sorted(problems.map(({ code: name, path }) => [name, path])),
      sorted(expected),
    );
  });

  it("the log has it", () => {
    const lines = shop.director.logs.filter((line) => isEvent(line, "document-warning"));
    assert.deepEqual(sorted(lines.map((line) => [line["code"], line["path"]])), sorted(expected));
  });

  it("tlsd show status prints it for as long as it is so", async () => {
    const { director } = shop;
    const shown = async () => {
      const { warnings } = await director.status();
      const places = sorted(warnings.map(({ code, path }) => [code, path]));
      const { stdout } = await director.cli("show", "status");
      for (const { path, message } of warnings) {
        assert.ok(stdout.includes(`\nwarning       ${path}: ${message}\n`), stdout);
      }
      return places;
    };
    const changed = async (ca: string) => {
      const from = director.logs.length;
      await writeFiles(director.dir, { "ca.pem": ca });
      await director.waitForLog((line) => isEvent(line, "certificate-changed"), 15_000, from);
      return director.logs.slice(from);
    };
    assert.deepEqual(await shown(), sorted(expected));
    await changed(rootPem + intermediatePem);
    assert.deepEqual(
      await shown(),
      sorted(expected.filter(([code]) => code !== "ca-without-root")),
    );
    const lines = await changed(intermediatePem);
    assert.ok(
      lines.some(
        (line) => isEvent(line, "certificate-warning") && line["code"] === "ca-without-root",
      ),
    );
    assert.deepEqual(await shown(), sorted(expected));
  });
});
