import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { certify, newEntity } from "#harness/certify.ts";
import { testReader } from "#harness/material-reader.ts";
import { descendantsOf } from "#harness/process-facts.ts";
import { endlessKeyPem, slowKeyPem } from "#harness/sealed-key.ts";
import { watchHolds } from "#harness/watch-holds.ts";
import type { MaterialReader } from "../../reader/material-reader.ts";
import { SourceProblem } from "../source-problem.ts";
import { importCertificate, type ImportedCertificate } from "./import-certificate.ts";
import type { ImportInput } from "./read-import.ts";

const ca = newEntity("ca");
const shop = newEntity("shop.example");
const caPem = certify(ca, ca);
const leafPem = certify(shop, ca, { names: ["shop.example"] });

const importFiles = (
  reader: MaterialReader,
  contents: readonly (string | Uint8Array)[],
  options: Partial<ImportInput> = {},
): Promise<ImportedCertificate> =>
  importCertificate(
    {
      files: contents.map((content, at) => ({ name: `${at}.pem`, bytes: Buffer.from(content) })),
      passphrase: undefined,
      pendingKeyPem: undefined,
      intermediatesPem: "",
      place: "certificates.shop",
      keepsRoot: false,
      allowsNotYetValid: false,
      nowMs: Date.now(),
      ...options,
    },
    reader,
  );

const refusalOf = (done: Promise<unknown>): Promise<string> =>
  done.then(
    () => "accepted",
    (error: unknown) => {
      assert.ok(error instanceof SourceProblem, String(error));
      return error.problem.code;
    },
  );

describe("importCertificate", () => {
  it("has a reader process read what is imported, with everything that goes with it", async () => {
    const reader = testReader();
    const encrypted = shop.keys.privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "gehéim €",
    });
    const found = await importFiles(reader, [leafPem + caPem, encrypted], {
      passphrase: "gehéim €",
    });
    assert.equal(found.version.material.key.open(), shop.keyPem);
    assert.deepEqual(found.version.facts.names, ["shop.example"]);
    assert.match(found.version.id, /^[0-9a-f]{64}$/);
    assert.deepEqual(
      found.notes.map(({ kind }) => kind),
      ["root-left-out"],
    );
    const kept = await importFiles(reader, [leafPem + caPem], {
      pendingKeyPem: shop.keyPem,
      keepsRoot: true,
    });
    assert.equal(kept.version.material.chainPem, leafPem + caPem);
    const middle = newEntity("middle");
    const middlePem = certify(middle, ca);
    const lowPem = certify(shop, middle, { names: ["shop.example"] });
    const completed = await importFiles(reader, [lowPem, shop.keyPem], {
      intermediatesPem: middlePem,
    });
    assert.equal(completed.version.material.chainPem, lowPem + middlePem);
  });

  it("reads a good certificate while hostile ones are read, and never holds the loop", async () => {
    const before = descendantsOf(process.pid).map(({ pid }) => pid);
    const reader = testReader();
    await importFiles(reader, [leafPem, shop.keyPem]);
    const own = descendantsOf(process.pid).find(({ pid }) => !before.includes(pid));
    assert.ok(own);
    const hostileFiles = [
      [leafPem, endlessKeyPem],
      [leafPem, newEntity("other").keyPem],
      [Buffer.alloc(1024 * 1024, "garbage")],
      [Buffer.alloc(500_000, "\x30\x80", "latin1")],
      [leafPem.slice(0, -30), shop.keyPem],
    ];
    using holds = watchHolds();
    const slow = importFiles(reader, [leafPem, slowKeyPem], { passphrase: "x" });
    let isSlowDone = false;
    const slowRefusal = refusalOf(slow).finally(() => (isSlowDone = true));
    // The slow one must be the last, however busy the machine is.
    process.kill(own.pid, "SIGSTOP");
    const hostile: Promise<string>[] = [];
    for (const contents of hostileFiles) {
      hostile.push(refusalOf(importFiles(reader, contents, { passphrase: "x" })));
      // Each request has a turn of its own, as in a director.
      await nextTurn();
    }
    const good = await importFiles(reader, [leafPem, shop.keyPem]);
    assert.equal(good.version.material.key.open(), shop.keyPem);
    assert.equal(isSlowDone, false, "the good certificate does not wait for the slow one");
    // A file that is watched is read meanwhile, too.
    const places = { chain: "chain", key: "key" };
    const has = { key: true, passphrase: false };
    const pair = [Buffer.from(leafPem), Buffer.from(shop.keyPem)];
    await reader.read({ kind: "certificate", has, places }, pair);
    assert.equal(isSlowDone, false);
    const longestMs = holds.longestMs();
    process.kill(own.pid, "SIGCONT");
    assert.deepEqual(await Promise.all(hostile), [
      "key-cost",
      "key-mismatch",
      "format-unsupported",
      "pkcs12-malformed",
      "certificate-malformed",
    ]);
    assert.equal(await slowRefusal, "bad-passphrase");
    assert.ok(longestMs < 50, `the event loop was held for ${longestMs} ms`);
  });

  it("goes on when many certificates of files are read", async () => {
    const reader = testReader();
    const places = { chain: "chain", key: "key" };
    const has = { key: true, passphrase: false };
    const pair = [Buffer.from(leafPem), Buffer.from(shop.keyPem)];
    let left = 500;
    const reads = Array.from({ length: left }, async () => {
      await reader.read({ kind: "certificate", has, places }, pair);
      left -= 1;
    });
    await importFiles(reader, [leafPem, shop.keyPem]);
    await Promise.all(reads);
    assert.equal(left, 0);
  });

  it("takes no more files than a reader process does", async () => {
    const reader = testReader();
    const all = Array.from({ length: 40 }, () => leafPem);
    assert.equal(await refusalOf(importFiles(reader, all)), "import-too-large");
    const large = Array.from({ length: 5 }, () => Buffer.alloc(4 * 1024 * 1024));
    assert.equal(await refusalOf(importFiles(reader, large)), "import-too-large");
  });
});
