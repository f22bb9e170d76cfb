import assert from "node:assert/strict";
import { copyFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { editorSchema } from "#model/document/editor-schema.ts";
import { DirectorError } from "#model/failure.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { testChecking } from "#harness/material-reader.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { sourcesOf } from "../certificates/source-entry.ts";
import { checkFile } from "../check-file.ts";
import { demoBanner } from "./demo-banner.ts";
import { DEMO_SITES } from "./demo-names.ts";
import { prepareDemo, provideDemoDocument } from "./prepare-demo.ts";
import { startDemoEndpoints } from "./start-demo-endpoints.ts";

const DEMO_DOCUMENT = new URL("../../../director.yaml", import.meta.url);

describe("the demo", () => {
  const check = (folder: string) =>
    checkFile(join(folder, "director.yaml"), { kind: "check" }, testChecking());

  async function demoFolder(): Promise<string> {
    const folder = await makeTempFolder();
    await copyFile(DEMO_DOCUMENT, join(folder, "director.yaml"));
    return folder;
  }

  it("makes certificates with which the demo document has no problem", async () => {
    const folder = await demoFolder();
    assert.equal(await prepareDemo(folder), join(folder, "certs/demo-ca.pem"));
    const { problems, document } = await check(folder);
    assert.deepEqual(problems, []);
    for (const { profile, server, endpointAddress, endpointPort } of DEMO_SITES) {
      assert.equal(document?.servers[server]?.address, endpointAddress);
      assert.equal(document?.profiles[profile]?.vnics["front"]?.listeners[0]?.to, endpointPort);
    }
  });

  it("writes its document with the folders above it, and never over one that is there", async () => {
    const path = join(await makeTempFolder(), "share/tlsd-demo/director.yaml");
    const shipped = fileURLToPath(DEMO_DOCUMENT);
    await provideDemoDocument(shipped, path);
    assert.equal(await readFile(path, "utf8"), await readFile(shipped, "utf8"));
    const schema = join(dirname(path), "director.schema.json");
    assert.deepEqual(JSON.parse(await readFile(schema, "utf8")), editorSchema());
    await writeFile(path, "servers: {}\n");
    await provideDemoDocument(shipped, path);
    assert.equal(await readFile(path, "utf8"), "servers: {}\n");
    const failure = {
      code: "demo-failed",
      message: /\/proc\/none\/director\.yaml .*XDG_DATA_HOME/,
    };
    await assert.rejects(provideDemoDocument(shipped, "/proc/none/director.yaml"), failure);
  });

  it("keeps keys to their owner", async () => {
    const folder = await makeTempFolder();
    await prepareDemo(folder);
    const names = await readdir(join(folder, "certs"));
    assert.equal(names.length, 5);
    for (const name of names.filter((each) => each.endsWith(".key"))) {
      assert.equal((await stat(join(folder, "certs", name))).mode & 0o777, 0o600);
    }
  });

  it("keeps good certificates and renews what is missing or broken", async () => {
    const folder = await makeTempFolder();
    const ca = await prepareDemo(folder);
    const first = await readFile(ca, "utf8");
    await prepareDemo(folder);
    assert.equal(await readFile(ca, "utf8"), first);
    await writeFile(join(folder, "certs/demo-pay.key"), "broken");
    await prepareDemo(folder);
    assert.notEqual(await readFile(ca, "utf8"), first);
  });

  it("names the folder that it cannot write to", async () => {
    await assert.rejects(prepareDemo("/proc"), (error) => {
      assert.ok(error instanceof DirectorError);
      assert.equal(error.code, "demo-failed");
      assert.match(error.message, /\/proc\/certs/);
      return true;
    });
  });

  it("starts endpoints that answer, and names a port that is taken", async () => {
    const sites = DEMO_SITES.map((site) => ({ ...site, endpointAddress: uniqueVirtualIp() }));
    const endpoints = await startDemoEndpoints(sites);
    closeAtTestEnd(() => endpoints.close());
    const [shop] = sites;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    get({ host: shop?.endpointAddress, port: shop?.endpointPort }, (response) => {
      resolve(text(response));
    }).on("error", reject);
    assert.match(await promise, /Hello from shop on web-1/);
    await assert.rejects(startDemoEndpoints(sites), { code: "address-in-use" });
    await endpoints.close();
    await (await startDemoEndpoints(sites)).close();
  });

  it("prints commands to copy", async () => {
    const folder = await demoFolder();
    const caPath = await prepareDemo(folder);
    const { document, entries } = await check(folder);
    assert.ok(document && entries);
    const facts = {
      document,
      sources: sourcesOf(entries),
      caPath,
      socketPath: join(folder, "data/tlsd.sock"),
      folder,
      command: "src/tlsd.sh",
      failedAt: "front.pay",
    };
    const banner = demoBanner(facts);
    assert.ok(
      banner.includes(
        `  cd ${folder}\n  curl --cacert certs/demo-ca.pem --connect-to ::127.0.1.10: https://shop.demo.test:8443/\n`,
      ),
    );
    assert.ok(banner.includes("127.0.1.11:8443"));
    assert.ok(banner.includes("  src/tlsd.sh show vnics\n"));
    assert.match(banner, /TLS 1\.2 .*front\.pay.*\n {2}src\/tlsd\.sh show handshakes\n/);
    const elsewhere = demoBanner({ ...facts, socketPath: "/a b/tlsd.sock", failedAt: undefined });
    assert.ok(elsewhere.includes("  src/tlsd.sh show vnics --socket '/a b/tlsd.sock'\n"));
    assert.doesNotMatch(elsewhere, /TLS 1\.2/);
  });
});
