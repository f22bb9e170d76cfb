import assert from "node:assert/strict";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { certificateSourcesOf, type DocumentSource } from "./document-sources.ts";
import { FileWatch } from "./file-watch.ts";
import type { CertificateVersion } from "./sources.ts";

/** So many that they are looked at in the thread. */
const MANY = 300;

async function makeSources() {
  const folder = await makeTempFolder();
  const files = Array.from({ length: MANY }, (_, at) => `${at}.pem`);
  await Promise.all(files.map((file) => writeFile(join(folder, file), file)));
  const certificates = Object.fromEntries(
    files.map((file, at) => [`certificate-${at}`, { chain: file }]),
  );
  const { draft } = parseDocument({
    certificates: {
      ...certificates,
      same: { chain: "0.pem" },
      linked: { chain: "live/chain.pem" },
      outside: { chain: "/etc/hostname" },
      missing: { chain: "missing.pem" },
    },
  });
  const sourcesNow = () => certificateSourcesOf(draft, { folder, foldersOf: () => [folder] });
  const watch = new FileWatch();
  closeAtTestEnd(() => watch.close());
  return { folder, sourcesNow, watch };
}

test("many files look in the thread as each of them does alone, after every kind of change", async () => {
  const { folder, sourcesNow, watch } = await makeSources();
  const path = (name: string): string => join(folder, name);
  await mkdir(path("v1"));
  await mkdir(path("v2"));
  for (const version of ["v1", "v2"]) await writeFile(path(`${version}/chain.pem`), version);
  await symlink("v1", path("live"));
  const sources = sourcesNow();
  const namesChanged = async (): Promise<readonly string[]> => {
    const { looks } = await watch.look(sources);
    const now = new Map(sources.map((source) => [source.key, looks.get(source)]));
    for (const source of sources) assert.equal(now.get(source.key), await source.look());
    const changed = [...now].filter(([key, look]) => before.get(key) !== look);
    before = now;
    return changed.map(([key]) => key);
  };
  let before = new Map<string, string | undefined>();
  assert.equal((await namesChanged()).length, sources.length);
  assert.equal(before.get("outside"), "outside");
  assert.equal(before.get("missing"), "ENOENT");
  assert.deepEqual(await namesChanged(), []);
  await writeFile(path("0.pem"), "written in place");
  assert.deepEqual(await namesChanged(), ["certificate-0", "same"]);
  await writeFile(path("new"), "renamed");
  await rename(path("new"), path("7.pem"));
  assert.deepEqual(await namesChanged(), ["certificate-7"]);
  // As Kubernetes and certbot do: the files stay, and a symlink leads to others.
  await symlink("v2", path("next"));
  await rename(path("next"), path("live"));
  assert.deepEqual(await namesChanged(), ["linked"]);
  await writeFile(path("v2/chain.pem"), "behind the link");
  assert.deepEqual(await namesChanged(), ["linked"]);
  await rm(path("9.pem"));
  await writeFile(path("missing.pem"), "there now");
  assert.deepEqual(await namesChanged(), ["certificate-9", "missing"]);
  await writeFile(path("9.pem"), "back");
  assert.deepEqual(await namesChanged(), ["certificate-9"]);
});

test("the sources of another document have looks at once, and a thread that has ended is started again", async () => {
  const { folder, sourcesNow, watch } = await makeSources();
  await watch.look(sourcesNow());
  for (const restarts of [false, true]) {
    if (restarts) watch.close();
    await writeFile(join(folder, "5.pem"), `${restarts}`);
    const sources = sourcesNow();
    const { looks } = await watch.look(sources);
    for (const source of sources) assert.equal(looks.get(source), await source.look());
  }
});

test("a look that a file system does not answer is late until it answers or is given up", async () => {
  const { sourcesNow, watch } = await makeSources();
  const [source] = sourcesNow();
  assert.ok(source);
  const answer = Promise.withResolvers<string>();
  const silent: readonly DocumentSource<CertificateVersion>[] = [
    { ...source, look: () => answer.promise },
  ];
  const heard: boolean[] = [];
  const lateTwice = Promise.withResolvers<void>();
  const hear = (isLate: boolean): void => {
    heard.push(isLate);
    if (heard.length === 2) lateTwice.resolve();
  };
  const givenUp = watch.lookInTime(silent, 20, hear);
  watch.giveUpLate();
  await lateTwice.promise;
  watch.giveUpLate();
  assert.equal(await givenUp, undefined);
  assert.equal(heard.at(-1), false);
  const answered = watch.lookInTime(silent, 20, hear);
  answer.resolve("there");
  assert.deepEqual([...((await answered)?.looks ?? [])], [[silent[0], "there"]]);
  assert.equal(heard.at(-1), false);
  watch.giveUpLate();
});
