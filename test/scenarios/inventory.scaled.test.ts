import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { certify, entityOf, newEntity } from "#harness/certify.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { assertNoTraces, keyTraces, textsOf } from "#harness/key-traces.ts";
import { filesOf, InventoryShop } from "#harness/inventory-shop.ts";
import { isEvent } from "#harness/log-capture.ts";

describe("a certificate in the inventory", { concurrency: 2 }, () => {
  forEachEngineIfLong("bun", (engine) => {
    it("is imported, served, rotated, rolled back, and served again after a restart", async () => {
      const shop = await InventoryShop.start({ engine, workers: 2 });
      const [one, two] = [await shop.issue(), await shop.issue()];
      const { body } = await shop.director.api("/v1/listeners");
      assert.match(JSON.stringify(body), /The inventory has no active version/);

      const imported = await shop.do("certificates/shop", { files: filesOf(one) });
      assert.deepEqual(imported.versions, [
        {
          name: "shop",
          version: "1",
          state: "active",
          serialNumber: one.serial.toUpperCase(),
          notes: [],
        },
      ]);
      assert.equal(await shop.servedSerial(), one.serial);

      const rotated = await shop.do("certificates/shop/rotate", { files: filesOf(two) });
      assert.deepEqual(rotated.versions, [
        ...[
          {
            name: "shop",
            version: "2",
            state: "active",
            before: "1",
            serialNumber: two.serial.toUpperCase(),
            notes: [],
          },
        ],
      ]);
      assert.equal(rotated.revision, imported.revision);
      assert.equal(await shop.servedSerial(), two.serial);
      assert.deepEqual(await shop.states(), ["2 active", "1 previous"]);
      // More than a document may have.
      const padding = "x".repeat(3_000_000);
      const files = filesOf(two).map((file) => ({ ...file, text: `${padding}\n${file.text}` }));
      const again = await shop.do("certificates/shop/rotate", { files });
      assert.deepEqual([again.changed, again.versions], [false, []]);

      await shop.do("certificates/shop/rollback");
      assert.equal(await shop.servedSerial(), one.serial);
      assert.deepEqual(await shop.states(), ["2 previous", "1 active"]);

      await shop.director.stop();
      await shop.startAgain();
      assert.equal(await shop.servedSerial(), one.serial);
      await shop.do("certificates/shop/rollback");
      assert.equal(await shop.servedSerial(), two.serial);
      const three = await shop.issue();
      await shop.do("certificates/shop/rotate", { files: filesOf(three) });
      assert.deepEqual(await shop.states(), ["3 active", "2 previous", "1 previous"]);
      const issuer = newEntity("odd ca");
      const names = ["shop.example"];
      for (const serial of [Buffer.of(0x81), Buffer.alloc(40, 0x11), Buffer.alloc(4_000, 0x11)]) {
        const entity = newEntity("shop.example");
        const chainPem = certify(entity, issuer, { names, serial });
        const odd = { files: filesOf({ chainPem, keyPem: entity.keyPem }) };
        const { proof } = await shop.do("certificates/shop/rotate", odd);
        assert.deepEqual([proof?.shown.length, proof?.unproven, proof?.replaced], [2, [], []]);
      }
      if (engine === "bun") {
        const pss = entityOf("pss", generateKeyPairSync("rsa-pss", { modulusLength: 2048 }));
        const chainPem = certify(pss, issuer, { names });
        const unservable = { files: filesOf({ chainPem, keyPem: pss.keyPem }) };
        const allowed = { allowOtherKeyType: true, allowWeakerKey: true };
        const rotate = { ...unservable, ...allowed };
        const refusal = "certificate-refused engine-lacks-key";
        assert.equal(await shop.refusal("certificates/shop/rotate", rotate), refusal);
        assert.equal(await shop.refusal("certificates/pss", unservable), refusal);
        assert.deepEqual((await shop.states()).length, 6);
      }
      assert.ok(shop.director.logs.some((line) => isEvent(line, "certificate-version")));
      assertNoTraces(
        await textsOf(shop.director),
        [one, two, three].flatMap(({ keyPem }) => keyTraces(keyPem)),
      );
    });
  });
});
