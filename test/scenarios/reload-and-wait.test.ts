import assert from "node:assert/strict";
import { createServer } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, beforeEach, describe, it } from "node:test";
import { runToExit, startProcess, type ProcessResult } from "#harness/child-process.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { ask } from "#harness/many-clients.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { documentText, runTlsd, startTlsd } from "#harness/tlsd.ts";

const parsed = (result: ProcessResult): Record<string, unknown> => {
  assert.equal(result.stderr, "");
  return JSON.parse(result.stdout) as Record<string, unknown>;
};

describe("tlsd reload", { concurrency: false }, () => {
  let shop: Shop<"web">;
  let director: Director;

  before(async () => {
    const endpoint = await startHttpEndpoint(servedText);
    shop = await startShop({
      engine: "bun",
      workers: 1,
      listeners: { web: { to: endpoint.port } },
    });
    ({ director } = shop);
  });

  let revision: number;

  beforeEach(async () => {
    assert.notEqual((await director.reload(shop.document)).outcome, "refused");
    ({ revision } = await director.status());
  });

  it("says that nothing has changed, with exit code 0", async () => {
    const text = await director.cli("reload");
    assert.deepEqual(
      [text.code, text.stdout, text.stderr],
      [0, `Nothing to change: revision ${revision} is in force and has all of this.\n`, ""],
    );
    const json = await director.cli("reload", "--json");
    assert.partialDeepStrictEqual(parsed(json), { revision, changed: false });
  });

  it("prints the new revision once it is in force", async () => {
    const document = structuredClone(shop.document) as { servers: Record<string, object> };
    document.servers["added"] = { address: "192.0.2.7" };
    await writeFile(director.documentPath, documentText(document));
    const { code, stdout } = await director.cli("reload");
    const next = revision + 1;
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Revision ${next} is in force\\.\\n  \\+ servers\\.added `));
    assert.ok(stdout.endsWith(`\nUndo it with \`tlsd undo ${next}\`.\n`), stdout);
    assert.equal((await director.status()).revision, next);
    document.servers["added"] = { address: "192.0.2.8" };
    await writeFile(director.documentPath, documentText(document));
    const json = await director.cli("reload", "--json");
    assert.partialDeepStrictEqual(parsed(json), { revision: revision + 2, changed: true });
  });

  it("prints every problem of a refused document and exits 1, and the state before goes on", async () => {
    const client = await shop.connect("web");
    await writeFile(
      director.documentPath,
      "servers: { web: { adress: 127.0.0.1 } }\nprofiles: { shop: { servers: [nowhere] } }\n",
    );
    const text = await director.cli("reload");
    assert.deepEqual([text.code, text.stdout], [1, ""]);
    assert.match(text.stderr, /^tlsd: document-invalid: The document has problems\.\n/);
    assert.match(text.stderr, /director\.yaml:1:19: error: .+\n +at servers\.web\.adress\n/m);
    assert.match(
      text.stderr,
      /director\.yaml:2:31: error: .+\n +at profiles\.shop\.servers\[0\]\n/m,
    );
    const json = await director.cli("reload", "--json");
    assert.equal(json.code, 1);
    const failure = parsed(json);
    assert.equal(failure["code"], "document-invalid");
    const paths = (failure["problems"] as { path: string }[]).map(({ path }) => path);
    assert.ok(paths.includes("servers.web.adress") && paths.includes("profiles.shop.servers[0]"));
    await ask(client);
    assert.equal((await director.status()).revision, revision);
  });

  it("names a document that cannot be read", async () => {
    await writeFile(director.documentPath, "servers: [");
    const { code, stderr } = await director.cli("reload");
    assert.equal(code, 1);
    assert.match(stderr, /^tlsd: document-invalid: .*\n.*director\.yaml:1:11: error: Flow /);
  });

  it("says that no director answers", async () => {
    const { code, stderr } = await runTlsd(["reload", "--socket", "/nowhere/tlsd.sock"]);
    assert.equal(code, 1);
    assert.match(stderr, /^tlsd: director-unreachable: .*\/nowhere\/tlsd\.sock \(ENOENT\)/);
  });

  it("gives up at its timeout, and says that the change may go on", async () => {
    const socketPath = join(await makeTempFolder(), "tlsd.sock");
    const silent = createServer(() => undefined).listen(socketPath);
    closeAtTestEnd(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const args = ["reload", "--socket", socketPath, "--timeout", "300ms"];
    const { code, stderr } = await runTlsd(args);
    assert.equal(code, 1);
    assert.match(stderr, /^tlsd: reply-late: .*\n {2}It may still be working on it\. /);
  });
});

describe("tlsd wait", { concurrency: 2 }, () => {
  it("returns when the director serves", async () => {
    const folder = await makeTempFolder();
    const socketPath = join(folder, "data/tlsd.sock");
    const text = await startTlsd(["wait", "ready", "--socket", socketPath]);
    const json = await startTlsd(["wait", "--socket", socketPath, "--json"]);
    const director = await startDirector({ document: {}, engine: "node", workers: 1, folder });
    const { code, stdout } = await text.exited;
    assert.deepEqual([code, stdout], [0, "The director is ready.\n"]);
    assert.deepEqual(parsed(await json.exited), { status: "ready" });
    assert.equal((await director.cli("wait", "--timeout", "0ms")).code, 0);
  });

  it("says at its timeout what the director said last", async () => {
    const socketPath = join(await makeTempFolder(), "tlsd.sock");
    const none = await runTlsd(["wait", "--socket", socketPath, "--timeout", "300ms"]);
    assert.equal(none.code, 1);
    assert.match(
      none.stderr,
      /^tlsd: director-unreachable: .* The director was not ready within 0\.3 s\. .*ENOENT/,
    );
    const starting = createServer((_request, response) => {
      response.statusCode = 503;
      response.end(JSON.stringify({ code: "not-ready", message: "x", hint: "x" }));
    }).listen(socketPath);
    closeAtTestEnd(() => void starting.close());
    const early = await runTlsd(["wait", "--socket", socketPath, "--timeout", "300ms", "--json"]);
    assert.equal(early.code, 1);
    assert.equal(parsed(early)["code"], "not-ready");
  });

  it("gives up at once when the process that it waits for has ended", async () => {
    const socketPath = join(await makeTempFolder(), "tlsd.sock");
    const process = await startProcess("cat", []);
    const args = ["wait", "--socket", socketPath, "--pid", String(process.pid)];
    const waiting = await startTlsd(args);
    process.child.kill("SIGKILL");
    await process.exited;
    const { code, stderr } = await waiting.exited;
    assert.equal(code, 1);
    assert.match(stderr, /director-unreachable: .*Process \d+ has ended\. Its log says why\./);
  });

  it("gives up at once where the socket may not be opened", async (t) => {
    if (process.getuid?.() !== 0) return t.skip("only root can become somebody else here");
    const folder = join(await makeTempFolder(), "private");
    const { code } = await runToExit("mkdir", ["-m", "0700", folder]);
    assert.equal(code, 0);
    const prefix = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups", "--"];
    const args = ["wait", "--socket", join(folder, "tlsd.sock")];
    const result = await runTlsd(args, { prefix });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^tlsd: permission-denied: /);
  });
});
