import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import {
  assertNoCoreDumps,
  assertNoTraces,
  keyTraces,
  textsOf,
  textTraces,
} from "#harness/key-traces.ts";
import { isEvent } from "#harness/log-capture.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";

const wrong = "master-key-wrong";
const ofFile = "the passphrase in the file";
const ofApi = "the passphrase over the API";
const unused = "one that was replaced";

const noticesOf = ({ logs }: Director): readonly string[] =>
  ["master-key-made", wrong].filter((event) => logs.some((line) => isEvent(line, event)));

describe("a passphrase in the document", () => {
  forEachEngineIfLong("node", (engine) => {
    it("shows nowhere, is not lost without the master key, and is used again with it", async () => {
      const folder = await makeTempFolder();
      const temporary = join(folder, "tmp");
      mkdirSync(temporary);
      const ca = await createTestCa();
      const shop = await ca.issue({ names: ["shop.example"] });
      const back = await ca.issue({ names: ["back.example"] });
      await writeFiles(folder, {
        ...{ "shop.pem": shop.chainPem, "shop.key": shop.encryptedKeyPem(ofFile) },
        ...{ "back.pem": back.chainPem, "back.key": back.encryptedKeyPem(ofApi) },
      });
      const endpoint = await startHttpEndpoint(servedText);
      const [ip, backIp] = [uniqueVirtualIp(), uniqueVirtualIp()];
      const document = shopDocument({
        ...{ ip, servers: { web: endpoint.host }, to: endpoint.port },
        more: {
          director: { orphanGrace: "200ms", drain: "200ms" },
          certificates: { shop: { chain: "shop.pem", key: "shop.key", passphrase: ofFile } },
        },
      });
      const start = { document, engine, folder, workers: 1, env: { TMPDIR: temporary } };
      const trusted = { port: 8443, ca: ca.certificatePem };
      const visitShop = () => visit({ ...trusted, host: ip, servername: "shop.example" });
      const visitBack = () => visit({ ...trusted, host: backIp, servername: "back.example" });
      const patch = (director: Director, body: object) =>
        director.api("/v1/document", {
          method: "PATCH",
          headers: { "content-type": "application/merge-patch+json" },
          body,
        });
      const keyFile = join(folder, "data-key", "master.key");

      const first = await startDirector(start);
      assert.deepEqual(noticesOf(first), ["master-key-made"]);
      await visitShop();
      const files = { chain: join(folder, "back.pem"), key: join(folder, "back.key") };
      const refused = await patch(first, {
        certificates: { back: { ...files, passphrase: unused } },
      });
      assert.equal(refused.status, 422);
      const listeners = [{ port: 8443, to: endpoint.port, certificates: ["back"] }];
      const added = await patch(first, {
        certificates: { back: { ...files, passphrase: ofApi } },
        profiles: { shop: { vnics: { back: { ip: backIp, listeners } } } },
      });
      assert.equal(added.status, 200, JSON.stringify(added.body));
      await visitBack();
      assert.equal((await patch(first, { certificates: { back: null } })).status, 422);
      const traces = [
        ...[ofFile, ofApi, unused].flatMap(textTraces),
        ...[shop, back].flatMap(({ keyPem }) => keyTraces(keyPem)),
        ...textTraces(readFileSync(keyFile, "latin1").trim()),
      ];
      assertNoTraces(await textsOf(first, { folders: [temporary] }), traces);
      assertNoCoreDumps(first);
      const { stdout: exported } = await first.cli("export");
      const shownOf = (text: string) => /back:[^]*?passphrase: (\S+)/.exec(text)?.[1];
      await first.stop();

      renameSync(keyFile, `${keyFile}.away`);
      const without = await startDirector(start);
      assert.deepEqual(noticesOf(without), [wrong]);
      // The file has the one passphrase, and nothing but the state the other.
      await visitShop();
      const { stdout: listed } = await without.cli("show", "listeners");
      assert.match(listed, /certificate back: The passphrase .* master key is not there/);
      assert.match(listed, /back\.shop:8443 +\S+ +\S+ +down /);
      assert.match((await without.cli("show", "certificate", "back")).stdout, /master key/);
      assert.match(shownOf((await without.cli("export")).stdout) ?? "", /^secret:locked:/);
      const other = await patch(without, { servers: { more: { address: "192.0.2.7" } } });
      assert.equal(other.status, 200, JSON.stringify(other.body));
      const changed = await patch(without, { certificates: { shop: { passphrase: unused } } });
      assert.notEqual(changed.status, 200);
      renameSync(`${keyFile}.away`, keyFile);
      const set = await without.cli("set", "master-key");
      assert.equal(set.code, 0, set.stderr);
      await visitBack();
      assert.ok(!(await without.status()).notices.some((text) => text.includes("master key")));
      await without.stop();

      const again = await startDirector(start);
      assert.deepEqual(noticesOf(again), []);
      await Promise.all([visitShop(), visitBack()]);
      assert.equal(shownOf((await again.cli("export")).stdout), shownOf(exported));
      assertNoTraces(await textsOf(again, { folders: [temporary] }), traces);
      const history = await again.api("/v1/history");
      assert.equal((history.body as readonly unknown[]).length, 3);
    });
  });
});
