import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { CertificateDetail } from "#model/records/certificate-detail.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { eventually } from "#harness/deadline.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { filesOf, InventoryShop } from "#harness/inventory-shop.ts";
import { writeFiles } from "#harness/temp-folder.ts";

/** A certificate must be served before it expires, also on a busy machine. */
const shortLifeMs = 15_000;
const noticeMs = 20_000;
/** The certificates of the scenarios that share a director. */
const sharedNames = ["judged", "both", "both-rsa", "brief", "asked", "kept"];

describe("a rotation of a certificate in the inventory", { concurrency: 2 }, () => {
  forEachEngineIfLong("node", (engine) => {
    let shared: InventoryShop;

    before(async () => {
      shared = await InventoryShop.start({ engine, others: sharedNames });
    });

    it("is refused if it makes something worse, and the active version stays", async () => {
      const shop = shared;
      const { path, rotate, rollback, ...judged } = shop.certificate("judged");
      const names = ["judged.example", "www.judged.example"];
      const first = await judged.issue({ names, keyType: "ecdsa-p384" });
      await shop.do(path, { files: filesOf(first) });
      const stranger = await judged.issue({ names });
      const refused: readonly (readonly [body: unknown, codes: string])[] = [
        [
          { files: filesOf(await judged.issue({ keyType: "ecdsa-p384" })) },
          "certificate-refused fewer-names",
        ],
        [{ files: filesOf(stranger) }, "certificate-refused weaker-key"],
        [
          { files: filesOf(await judged.issue({ names, keyType: "rsa" })) },
          "certificate-refused other-key-type weaker-key",
        ],
        [
          { files: filesOf(await judged.issue({ names, validity: "expired" })) },
          "certificate-refused certificate-expired",
        ],
        [
          { files: filesOf({ chainPem: first.chainPem, keyPem: stranger.keyPem }) },
          "certificate-refused key-mismatch",
        ],
        [
          { files: [{ base64: Buffer.alloc(1024 * 1024, 7).toString("base64") }] },
          "certificate-refused format-unsupported",
        ],
        [{ version: "7" }, "no-version"],
        [{}, "no-version"],
        [{ files: filesOf(stranger), version: "1" }, "bad-request"],
        [{ files: [{ name: "x" }] }, "bad-request"],
      ];
      for (const [body, codes] of refused) assert.equal(await shop.refusal(rotate, body), codes);
      assert.equal(await shop.refusal(rollback), "no-version");
      assert.equal(await shop.refusal(path, { files: filesOf(first) }), "already-exists");
      assert.equal(
        await shop.refusal("certificates/none/rotate", { files: filesOf(first) }),
        "not-found",
      );
      assert.equal(await judged.servedSerial(), first.serial);
      assert.deepEqual(await judged.states(), ["1 active"]);

      const wild = await judged.issue({
        names: ["*.judged.example", "judged.example"],
        keyType: "ecdsa-p384",
      });
      await shop.do(rotate, { files: filesOf(wild) });
      const allowed = { allowFewerNames: true, allowOtherKeyType: true, allowWeakerKey: true };
      const rsa = await judged.issue({ keyType: "rsa" });
      const { warnings } = await shop.do(rotate, { files: filesOf(rsa), ...allowed });
      assert.deepEqual(
        warnings.map(({ code }) => code).filter((code) => code !== "chain-incomplete"),
        ["fewer-names", "other-key-type", "weaker-key"],
      );
      assert.equal(await judged.servedSerial(), rsa.serial);
    });

    it("is made for several certificates in one change, all of them or none", async () => {
      const shop = shared;
      const [one, other] = [shop.certificate("both"), shop.certificate("both-rsa")];
      const [ecdsa, rsa] = [await one.issue(), await one.issue({ keyType: "rsa" })];
      const both = {
        certificates: [
          { name: "both", files: filesOf(ecdsa) },
          { name: "both-rsa", files: filesOf(rsa) },
        ],
      };
      const { versions } = await shop.do("imports", both);
      assert.deepEqual(
        versions.map(({ name, version, state }) => [name, version, state]),
        [
          ["both", "1", "active"],
          ["both-rsa", "1", "active"],
        ],
      );
      const [next, bad] = [
        await one.issue(),
        await one.issue({ keyType: "rsa", validity: "expired" }),
      ];
      const half = {
        certificates: [
          { name: "both", files: filesOf(next) },
          { name: "both-rsa", files: filesOf(bad) },
        ],
      };
      assert.match(await shop.refusal("rotations", half), /certificate-expired/);
      const twice = {
        certificates: [
          { name: "both", files: filesOf(next) },
          { name: "both", files: filesOf(next) },
        ],
      };
      assert.equal(await shop.refusal("rotations", twice), "bad-request");
      assert.deepEqual([await one.states(), await other.states()], [["1 active"], ["1 active"]]);
      assert.equal(await one.servedSerial(), ecdsa.serial);
    });

    it("goes back to an expired version only by force", async () => {
      const shop = shared;
      const { path, rotate, rollback, ...brief } = shop.certificate("brief");
      const notAfter = new Date(Math.ceil((Date.now() + shortLifeMs) / 1_000) * 1_000);
      const short = await brief.issue({ notAfter });
      await shop.do(path, { files: filesOf(short) });
      const long = await brief.issue();
      await shop.do(rotate, { files: filesOf(long) });
      await eventually(() => Date.now() > notAfter.getTime() + 100, noticeMs, "the end");
      assert.equal(await shop.refusal(rollback), "certificate-refused certificate-expired");
      assert.equal(await brief.servedSerial(), long.serial);
      await shop.do(rollback, { force: true });
      assert.deepEqual(await brief.states(), ["2 previous", "1 active"]);
    });

    it("completes a request whose key the director made", async () => {
      const shop = shared;
      const { path, rotate, ...asked } = shop.certificate("asked");
      const names = ["asked.example"];
      const requested = await shop.do(`${path}/requests`, { names });
      assert.deepEqual(
        requested.versions.map(({ version, state }) => [version, state]),
        [["1", "pending"]],
      );
      const [pending] = await shop.versions("asked");
      const signed = await shop.ca.sign(pending?.request ?? "", { names });
      await shop.do(rotate, { files: [{ text: signed.chainPem }] });
      assert.equal(await asked.servedSerial(), signed.serial);
      assert.deepEqual(await asked.states(), ["1 active"]);

      const more = { names: ["new.example"] };
      assert.equal(
        await shop.refusal("certificates/a%20name/requests", more),
        "certificate-refused bad-certificate-name",
      );
      await shop.do("certificates/new/requests", more);
      const { body } = await shop.director.api("/v1/certificates/new/status");
      const { state, versions } = body as CertificateDetail;
      assert.deepEqual([state, versions.map((one) => one.state)], ["unusable", ["pending"]]);
      const [request] = await shop.versions("new");
      const { chainPem } = await shop.ca.sign(request?.request ?? "", more);
      await shop.do("certificates/new/rotate", { files: [{ text: chainPem }] });
      assert.deepEqual(await shop.states("new"), ["1 active"]);
      assert.equal((await shop.director.api("/v1/certificates/new")).status, 200);
    });

    it("comes back with an undo of its removal, and no number is used twice", async () => {
      const shop = shared;
      const kept = shop.certificate("kept");
      await shop.do(kept.path, { files: filesOf(await kept.issue()) });
      const headers = { "content-type": "application/merge-patch+json" };
      const { body } = await shop.director.api("/v1/listeners/front.shop:8443");
      const listener = body as { readonly certificates: readonly string[] };
      const certificates = listener.certificates.filter((name) => name !== "kept");
      const removal = {
        profiles: { shop: { vnics: { front: { listeners: [{ ...listener, certificates }] } } } },
        certificates: { kept: null },
      };
      const remove = async (): Promise<number> => {
        const reply = await shop.director.api("/v1/document", {
          ...{ method: "PATCH", headers, body: removal },
        });
        assert.equal(reply.status, 200, JSON.stringify(reply.body));
        return (reply.body as ChangeReply).revision;
      };
      // Other scenarios may change the document meanwhile.
      const revision = await remove();
      const undo = await shop.director.api("/v1/undo", {
        method: "POST",
        headers: { "if-match": "*" },
        body: { revision },
      });
      assert.equal(undo.status, 200, JSON.stringify(undo.body));
      assert.equal(
        (await shop.director.status()).certificates.find(({ name }) => name === "kept")?.state,
        "ok",
      );
      await remove();
      await shop.do(kept.path, { files: filesOf(await kept.issue()) });
      assert.deepEqual(await kept.states(), ["2 active", "1 previous"]);
    });

    it("is refused for a certificate of files, unless the import replaces them", async () => {
      const shop = shared;
      const issued = await shop.issue();
      await writeFiles(shop.director.dir, { "own.pem": issued.chainPem, "own.key": issued.keyPem });
      const own = await shop.director.api("/v1/certificates/own", {
        method: "PUT",
        body: { chain: "own.pem", key: "own.key" },
      });
      assert.equal(own.status, 201, JSON.stringify(own.body));
      for (const [path, body] of [
        ["certificates/own/rotate", { files: filesOf(issued) }],
        ["certificates/own/rollback", {}],
        ["certificates/own", { files: filesOf(issued) }],
        ["certificates/own/requests", { names: ["shop.example"] }],
      ] as const) {
        const { status, body: reply } = await shop.post(path, body);
        assert.equal(status, 409, JSON.stringify(reply));
        const { code, message } = reply as { readonly code: string; readonly message: string };
        assert.equal(code, "files-source");
        assert.ok(message.includes(join(shop.director.dir, "own.key")), message);
      }
      await shop.do("certificates/own", { files: filesOf(issued), replaceFiles: true });
      const { body } = await shop.director.api("/v1/certificates/own");
      assert.deepEqual(body, { source: "inventory" });

      const hourMs = 3_600_000;
      const files = filesOf(await shop.issue({ notBefore: new Date(Date.now() + hourMs) }));
      const activatesItself = async (): Promise<boolean> =>
        (await shop.versions("own"))[0]?.activatesItself === true;
      await shop.do("certificates/own/rotate", { files, stage: true });
      assert.equal(await activatesItself(), false);
      await shop.do("certificates/own/rotate", { files });
      assert.equal(await activatesItself(), true);
      await shop.do("certificates/own/rotate", { files, stage: true });
      assert.equal(await activatesItself(), false);
      // The first versions were those of the files.
      const [staged, active] = (await shop.versions("own")).map(({ id }) => id);
      await shop.do("certificates/own/rotate", { version: staged });
      assert.equal(await activatesItself(), true);

      const remove = async (path: string): Promise<number> =>
        (await shop.director.api(`/v1/certificates/own${path}`, { method: "DELETE" })).status;
      assert.equal(await remove(`/versions/${active}`), 409);
      assert.equal(await remove(""), 200);
      assert.equal(await remove(`/versions/${active}`), 200);
      assert.deepEqual(
        (await shop.versions("own")).filter(({ state }) => state === "active"),
        [],
      );
    });
  });
});
