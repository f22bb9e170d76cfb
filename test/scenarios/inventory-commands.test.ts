import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { InventoryShop } from "#harness/inventory-shop.ts";
import { Operator } from "#harness/operator.ts";

const passphrase = "a passphrase that is long";

describe("the commands of the inventory", () => {
  forEachEngineIfLong("node", (engine) => {
    it("import, rotate, roll back, request and remove versions, and show them", async () => {
      const shop = await InventoryShop.start({ engine, others: ["rsa"] });
      const { dir: folder, socketPath } = shop.director;
      const operator = new Operator({ socketPath, folder });
      const run = async (command: string, given = {}): Promise<string> => {
        const { code, out, err } = await operator.run(command.split(" "), given);
        assert.equal(code, 0, `${command}: ${out}${err}`);
        return out;
      };
      const refused = async (command: string): Promise<string> => {
        const { code, out, err } = await operator.run(command.split(" "));
        assert.equal(code, 1, `${command}: ${out}${err}`);
        return err;
      };
      const first = await shop.issue();
      await first.writeTo(folder, "first", passphrase);
      const plain = "import certificate shop --chain first.pem --key first.key";
      assert.match(await refused(plain), /The private key is encrypted/);
      const imported = await run(plain, { secret: passphrase });
      assert.match(imported, /certificate shop: version 1 is active, serial [0-9A-F]+\n/);
      assert.match(
        await refused("import certificate shop --chain none.pem"),
        /cannot be read.*ENOENT/,
      );
      mkdirSync(join(folder, "more"));
      assert.match(
        await refused("rotate certificate shop --chain more"),
        /not a regular file|EISDIR/,
      );

      const rsa = await shop.issue({ keyType: "rsa" });
      await rsa.writeTo(join(folder, "more"), "rsa");
      writeFileSync(join(folder, "more", "broken.pem"), first.chainPem);
      const part = await operator.run(["import", "certificates", "more"]);
      assert.equal(part.code, 1);
      assert.match(part.out, /^broken: not imported\. .*key.*\nrsa: imported as version 1\n$/);
      assert.match(part.err, /import-incomplete.*1 of 2 were not imported/);

      const [api, web] = [await shop.issue(), await shop.issue()];
      await api.writeTo(join(folder, "all"), "api", passphrase);
      await web.writeTo(join(folder, "all"), "web", passphrase);
      writeFileSync(join(folder, "all", "bad.pem"), first.chainPem);
      const atomic = ["import", "certificates", "all", "--atomic", "--passphrase-file", "-"];
      const given = { input: `${passphrase}\n` };
      const none = await operator.run(atomic, given);
      assert.equal(none.code, 1, none.out);
      assert.match(none.err, /certificate-refused.*bad: No file holds a private key/);
      assert.match(await refused("show certificate api"), /not-found/);
      writeFileSync(join(folder, "all", "worse.pem"), (await shop.issue()).chainPem + first.keyPem);
      const two = await operator.run(atomic, given);
      assert.match(two.err, /certificate-refused.*2 certificates are refused: bad, worse\.\n/);
      assert.match(two.err, /No file holds a private key/);
      assert.match(two.err, /at certificates\.worse\n/);
      assert.match(await refused("show certificate api"), /not-found/);
      for (const file of ["bad.pem", "worse.pem"]) rmSync(join(folder, "all", file));
      const wrong = await operator.run(atomic, { input: "another passphrase\n" });
      assert.match(wrong.err, /The passphrase does not decrypt the private key/);
      assert.doesNotMatch(`${wrong.out}${wrong.err}`, /another passphrase/);
      const all = await operator.run(atomic, given);
      assert.equal(all.code, 0, all.err);
      assert.match(all.out, /certificate api: version 1 is active[^]*web: version 1 is active/);
      const plainKey = "import certificate plain --chain all/api.pem --key all/api.key";
      await run(`${plainKey} --passphrase-file -`, given);
      assert.match(await run("show certificate plain"), /1 +active/);

      const [second, secondRsa] = [await shop.issue(), await shop.issue({ keyType: "rsa" })];
      await second.writeTo(folder, "second");
      await secondRsa.writeTo(folder, "second-rsa");
      const rotated = await run(
        "rotate certificate shop rsa --chain second.pem second-rsa.pem --key second.key second-rsa.key",
      );
      assert.match(rotated, /certificate shop: version 2 is active, .* in place of version 1\n/);
      assert.match(rotated, /certificate rsa: version 2 is active/);
      assert.match(rotated, /Take it back with `tlsd rollback certificate shop`/);
      assert.equal(await shop.servedSerial(), second.serial);

      const dry = await run("rollback certificate shop --dry-run");
      assert.match(dry, /Nothing was changed/);
      assert.equal(await shop.servedSerial(), second.serial);
      await run("rollback certificate shop --reason tested");
      assert.equal(await shop.servedSerial(), first.serial);

      const csr = await run("request certificate shop --names shop.example --key-type ecdsa-p384");
      assert.match(
        csr,
        /^-----BEGIN CERTIFICATE REQUEST-----[^]*-----END CERTIFICATE REQUEST-----\n$/,
      );
      const signed = await shop.ca.sign(csr, { names: ["shop.example"] });
      writeFileSync(join(folder, "signed.pem"), signed.chainPem);
      await run("rotate certificate shop --chain signed.pem");
      assert.equal(await shop.servedSerial(), signed.serial);

      assert.match(await refused("remove certificate-version shop 3"), /version-in-use/);
      await run("remove certificate-version shop 2");
      assert.match(await refused("rollback certificate shop --to 2"), /no-version/);
      assert.deepEqual(await shop.states(), ["3 active", "1 previous"]);
      const shown = await run("show certificate shop");
      assert.match(shown, /VERSION +STATE +SERIAL/);
      assert.match(shown, /\b3 +active\b/);
      assert.match(shown, /\b1 +previous\b/);
    });
  });
});
