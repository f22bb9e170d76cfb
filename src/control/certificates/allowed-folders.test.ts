import assert from "node:assert/strict";
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { foldersExcept, type FoldersOf } from "#model/document/check-paths.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { testReading } from "#harness/material-reader.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { CertificateStore } from "./certificate-store.ts";
import { loadSources, type LoadedSources } from "./load-sources.ts";

describe("the files of a document that must be in certain folders", () => {
  const reading = testReading();
  let folder: string;
  let outside: string;
  let ca: TestCa;

  beforeEach(async () => {
    folder = await makeTempFolder();
    outside = await makeTempFolder();
    ca = await createTestCa();
    for (const place of [folder, outside]) {
      await (await ca.issue({ names: ["shop.example"] })).writeTo(place, "shop");
      await writeFiles(place, { "ca.pem": ca.certificatePem });
    }
  });

  const documentIn = (place: string, end = ""): object => ({
    certificates: { shop: { chain: `${place}/shop.pem${end}`, key: `${place}/shop.key` } },
    policies: { own: { clientAuth: { mode: "require", ca: `${place}/ca.pem${end}` } } },
  });
  const load = (rest: object, foldersOf: FoldersOf): Promise<LoadedSources> =>
    loadSources(parseDocument(rest).draft, folder, reading, undefined, { foldersOf });

  it("are refused outside, before the director looks at the disk", async () => {
    const texts = new Set<string>();
    for (const end of ["", ".nothing"]) {
      const { problems, entries } = await load(documentIn(outside, end), () => [folder]);
      assert.deepEqual(
        problems.map(({ code, path }) => `${code} ${path}`),
        ["path-outside certificates.shop.chain", "path-outside policies.own.clientAuth.ca"],
      );
      for (const { message } of problems) texts.add(message.replace(".nothing", ""));
      assert.equal(entries.certificates.get("shop")?.looks, "outside outside");
    }
    assert.equal(texts.size, 2);
  });

  it("are read inside, and anywhere if the document of the director names them", async () => {
    const document = documentIn(outside);
    assert.deepEqual((await load(document, () => [outside])).problems, []);
    const exempt = foldersExcept(parseDocument(document).written, [folder]);
    assert.deepEqual((await load(document, exempt)).problems, []);
  });

  it("are refused when a symlink leads out later, and the last version stays in use", async () => {
    const { draft } = parseDocument(documentIn(folder));
    const { entries } = await load(documentIn(folder), () => [folder]);
    const store = new CertificateStore({
      ...reading,
      intervalMs: 10,
      onProblem: () => undefined,
      onRead: () => undefined,
      onLate: () => undefined,
      onTurn: () => undefined,
      onFault: (error) => assert.fail(String(error)),
    });
    store.subscribe(() => assert.fail("A version from outside is used."));
    store.follow(draft, entries);
    store.start();
    closeAtTestEnd(() => store.close());
    for (const file of ["shop.pem", "shop.key", "ca.pem"]) {
      await rm(join(folder, file));
      await symlink(join(outside, file), join(folder, file));
    }
    await eventually(
      () => store.problems().filter(({ code }) => code === "path-outside").length === 2,
      5_000,
      "path-outside",
    );
    const { certificates } = store.current();
    assert.equal(certificates.get("shop"), entries.certificates.get("shop")?.version);
  });
});
