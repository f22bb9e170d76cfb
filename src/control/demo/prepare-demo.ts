import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import { chainFileOf, DEMO_CA_FILE, DEMO_SITES, keyFileOf } from "./demo-names.ts";

/** Certificates are renewed a day before they expire, so that they stay valid while a demo runs. */
const RENEW_BEFORE_MS = 86_400_000;

/**
 * Issues a demo CA and the certificates of the demo document in `folder`/certs, unless valid ones exist. Returns the path of
 * the CA certificate. Throws DirectorError `demo-failed`.
 */
export async function prepareDemo(folder: string): Promise<string> {
  const certs = join(folder, "certs");
  const caPath = join(certs, DEMO_CA_FILE);
  if (await isGood(certs)) return caPath;
  try {
    // Loaded only when it is needed, because that takes 100 ms and most runs find valid certificates.
    const { issueDemoCertificates } = await import("./issue-demo-certificates.ts");
    const issued = await issueDemoCertificates(DEMO_SITES.map(({ serverName }) => serverName));
    await makeFolder(certs);
    for (const [index, site] of DEMO_SITES.entries()) {
      const certificate = issued.certificates[index];
      if (certificate === undefined) continue;
      await replaceFile(join(certs, keyFileOf(site)), certificate.keyPem, 0o600);
      await replaceFile(join(certs, chainFileOf(site)), certificate.chainPem, 0o644);
    }
    await replaceFile(caPath, issued.caPem, 0o644);
    return caPath;
  } catch (error) {
    throw new DirectorError(
      "demo-failed",
      `Writing the demo certificates to ${certs} failed with ${errorCodeOf(error) ?? String(error)}.`,
      {
        cause: error,
      },
    );
  }
}

/** The demo document refers to it, for editors. */
const SCHEMA_FILE = "director.schema.json";

/**
 * Copies the demo document of the program and its schema to the folder of `path`, and creates the folders above it. An existing
 * document is not replaced, because its owner may have changed it. Throws DirectorError `demo-failed`.
 */
export async function provideDemoDocument(shipped: string, path: string): Promise<void> {
  if (resolve(path) === resolve(shipped)) return;
  try {
    await makeFolders(dirname(path));
    const schema = await readFile(join(dirname(shipped), SCHEMA_FILE));
    await writeFile(join(dirname(path), SCHEMA_FILE), schema);
    await writeFile(path, await readFile(shipped), { flag: "wx" });
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === "EEXIST") return;
    throw new DirectorError(
      "demo-failed",
      `Writing the demo document to ${path} failed with ${code ?? String(error)}. Set XDG_DATA_HOME to use another folder.`,
      { cause: error },
    );
  }
}

async function isGood(certs: string): Promise<boolean> {
  try {
    const ca = new X509Certificate(await readFile(join(certs, DEMO_CA_FILE)));
    for (const site of DEMO_SITES) {
      const leaf = new X509Certificate(await readFile(join(certs, chainFileOf(site))));
      const key = createPrivateKey(await readFile(join(certs, keyFileOf(site))));
      const isOurs = leaf.verify(ca.publicKey) && leaf.checkPrivateKey(key);
      const leftMs = leaf.validToDate.getTime() - Date.now();
      if (!isOurs || leftMs < RENEW_BEFORE_MS) return false;
      if (leaf.checkHost(site.serverName) === undefined) return false;
    }
    return true;
  } catch {
    return false;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") throw error;
  }
}

/** Does not use `recursive`, which never returns if mkdir fails with ENOENT in an existing folder, as it does in /proc. */
async function makeFolders(path: string): Promise<void> {
  try {
    await makeFolder(path);
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await makeFolder(path);
  }
}

/** Replaces a file so that it is never incomplete, and that other users cannot read a key at any moment. */
async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, content, { mode, flag: "wx" });
  await rename(draft, path);
}
