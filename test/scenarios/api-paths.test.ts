import assert from "node:assert/strict";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { FailureReply } from "#model/failure.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";

const PATCH_TYPE = { "content-type": "application/merge-patch+json" };

// The control process serves this, whatever the engine of its workers.
describe("paths that come over the admin API", () => {
  const other = uniqueVirtualIp();
  let director: Director;

  before(async () => {
    const vnics = {
      front: { ip: uniqueVirtualIp(), listeners: [{ port: 8080, mode: "redirect" }] },
    };
    const document = {
      servers: { "web-1": { address: "127.0.0.1" } },
      profiles: { shop: { servers: ["web-1"], vnics } },
    };
    director = await startDirector({ document, engine: "node", workers: 1 });
  });

  const patch = (path: string, body: unknown) =>
    director.api(path, { method: "PATCH", body, headers: PATCH_TYPE });
  const revision = async (): Promise<number> => (await director.status()).revision;

  it("are in the folder of the file only, and the reply does not tell what exists outside", async () => {
    const { dir } = director;
    const unchanged = await revision();
    await symlink("/etc", join(dir, "out"));
    await writeFile(join(dir, "empty.pem"), "");
    const problemsOf = async (change: object): Promise<readonly string[]> => {
      const { body } = await patch("/v1/document", change);
      const { problems = [] } = body as FailureReply;
      return problems.filter(({ severity }) => severity === "error").map(({ code }) => code);
    };
    const certificate = (chain: string) => problemsOf({ certificates: { own: { chain } } });
    for (const path of ["/etc/passwd", "/etc/nothing", "../x", "out/passwd", "out/nothing"]) {
      assert.deepEqual(await certificate(path), ["path-outside"], path);
    }
    assert.deepEqual(await certificate("empty.pem"), ["certificate-malformed"]);
    const socket = (path: string) => {
      const listeners = [{ port: 8443, to: `unix:${path}` }];
      return problemsOf({ profiles: { shop: { vnics: { side: { ip: other, listeners } } } } });
    };
    assert.ok((await socket("/run/docker.sock")).includes("path-outside"));
    assert.ok((await socket(join(dir, "out/app.sock"))).includes("path-outside"));
    assert.ok(!(await socket(join(dir, "app.sock"))).includes("path-outside"));
    await symlink(director.socketPath, join(dir, "own.sock"));
    assert.ok((await socket(join(dir, "own.sock"))).includes("endpoint-loop"));
    const endpointTls = { verify: false, ca: "/etc/nothing" };
    const listeners = [{ port: 8443, to: 8080, endpointTls }];
    for (const change of [
      { policies: { own: { clientAuth: { mode: "none", ca: "/etc/passwd" } } } },
      { policies: { own: { clientAuth: { mode: "none", ca: "empty.pem", crl: "/etc/nothing" } } } },
      { profiles: { shop: { vnics: { side: { ip: other, listeners } } } } },
    ]) {
      const codes = await problemsOf(change);
      assert.ok(codes.includes("path-outside"), `${JSON.stringify(change)} ${codes.join()}`);
    }
    assert.equal(await revision(), unchanged);
  });
});
