import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { Problem } from "#model/failure.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { runDirectorToExit } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { makeTempFolder, writeFiles, type FileContents } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { documentText, runTlsd } from "#harness/tlsd.ts";

const ip = uniqueVirtualIp();
const good = { port: 8443, to: 8080, certificates: ["shop"] };

/** One thing wrong of each kind, and more than one of some. */
const badDocument = {
  director: { workers: 0, observe: "localhost" },
  servers: { "web-1": { address: "127.0.0.1" }, "web-2": { adress: "127.0.0.2" } },
  profiles: {
    shop: {
      servers: ["web-1", "web-3", "web-1"],
      balance: "random",
      vnics: {
        front: {
          ip,
          qos: { rate: "100m" },
          listeners: [
            good,
            { ...good, polcy: "modern" },
            { ...good, port: 8444, policy: "moderm", certificates: ["shop", "shopp"] },
            { ...good, port: 8445, mode: "http", responseFields: { set: { Connection: "x" } } },
            { port: 8446, mode: "egress", to: "payments.example" },
            { ...good, port: 8447, timeouts: { idle: "5" }, acceptProxyProtocol: ["10.0.0.0/33"] },
          ],
        },
        back: { ip, qos: { rate: "1g_100m" } },
      },
    },
    many: {
      servers: ["web-1"],
      vnics: Object.fromEntries(
        Array.from({ length: 31 }, (_, at) => [`v${at}`, { ip: `198.51.100.${at}` }]),
      ),
    },
  },
  certificates: {
    shop: { chain: "shop.pem", key: "other.key" },
    old: { chain: "old.pem", key: "old.key" },
    gone: { chain: "gone.pem", key: "gone.key" },
  },
  policies: { partners: { clientAuth: { mode: "require", ca: "shop.key" } } },
};

const listeners = "profiles.shop.vnics.front.listeners";
const expected: Readonly<Record<string, string>> = {
  "director.workers": "bad-value",
  "director.observe": "bad-address",
  "servers.web-2.adress": "unknown-key",
  "servers.web-1": "too-many-vnics",
  "profiles.shop.servers[1]": "unknown-server",
  "profiles.shop.servers[2]": "duplicate-server",
  "profiles.shop.balance": "bad-value",
  "profiles.shop.vnics.front.qos.rate": "malformed-rate",
  "profiles.shop.vnics.back.ip": "duplicate-virtual-ip",
  "profiles.shop.vnics.back.qos.rate": "malformed-rate",
  [`${listeners}[1].polcy`]: "unknown-key",
  [`${listeners}[1].port`]: "duplicate-port",
  [`${listeners}[2].policy`]: "unknown-policy",
  [`${listeners}[2].certificates[1]`]: "unknown-certificate",
  [`${listeners}[3].responseFields.set.Connection`]: "forbidden-field",
  [`${listeners}[4].to`]: "bad-endpoint",
  [`${listeners}[5].timeouts.idle`]: "malformed-duration",
  [`${listeners}[5].acceptProxyProtocol[0]`]: "bad-cidr",
  "certificates.shop.key": "key-mismatch",
  "certificates.old.chain": "certificate-expired",
  "certificates.gone.chain": "file-unreadable",
  "policies.partners.clientAuth.ca": "ca-malformed",
};

async function badFiles(): Promise<FileContents> {
  const ca = await createTestCa();
  const [shop, other] = [await ca.issue({ names: ["a.b"] }), await ca.issue({ names: ["a.b"] })];
  const old = await ca.issue({ names: ["a.b"], validity: "expired" });
  return {
    "shop.pem": shop.chainPem,
    "shop.key": shop.keyPem,
    "other.key": other.keyPem,
    "old.pem": old.chainPem,
    "old.key": old.keyPem,
  };
}

const sorted = (problems: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(problems)
    .map(([path, code]) => `${path}: ${code}`)
    .toSorted();

const codesByPath = (problems: readonly Problem[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    problems.filter(({ severity }) => severity === "error").map(({ path, code }) => [path, code]),
  );

interface CheckReply {
  readonly isValid: boolean;
  readonly code?: string;
  readonly problems: readonly Problem[];
}

describe("tlsd check", () => {
  let files: FileContents;

  before(async () => {
    files = await badFiles();
  });

  async function check(document: object | string, env: Readonly<Record<string, string>> = {}) {
    const folder = await makeTempFolder();
    await writeFiles(folder, { ...files, "director.yaml": documentText(document) });
    const path = join(folder, "director.yaml");
    const [asText, json] = await Promise.all([
      runTlsd(["check", path], { env }),
      runTlsd(["check", path, "--json"], { env }),
    ]);
    return { asText, exitCode: json.code, reply: JSON.parse(json.stdout) as CheckReply };
  }

  it("names everything that is wrong in the document and its files at once, and what was meant", async () => {
    const { asText, exitCode, reply } = await check(badDocument);
    assert.equal(exitCode, 1);
    assert.equal(reply.isValid, false);
    assert.equal(reply.code, "document-invalid");
    assert.deepEqual(sorted(codesByPath(reply.problems)), sorted(expected));
    assert.deepEqual([asText.code, asText.stdout], [1, ""]);
    for (const { file, line, column, path, message, hint, severity } of reply.problems) {
      assert.match(file ?? "", /\/director\.yaml$/);
      const head = `director.yaml:${line}:${column}: ${severity}: ${message}\n    at ${path}\n`;
      assert.ok(asText.stderr.includes(head), `${path}\n${asText.stderr}`);
      assert.ok(asText.stderr.includes(`\n    ${hint}\n`), path);
    }
    assert.match(asText.stderr, /\n {4}\d+ \| +adress: 127\.0\.0\.2\n {4}[ ]+\| +\^\n/);
    assert.match(asText.stderr, new RegExp(`^${reply.problems.length} errors$`, "m"));
    for (const meant of ["address", "policy", "modern", "shop", "web-1"]) {
      assert.match(asText.stderr, new RegExp(`Did you mean \`${meant}\`\\?`), meant);
    }
    assert.doesNotMatch(asText.stderr, /PRIVATE KEY/);
  });

  it("says where a document is broken that is no YAML", async () => {
    const { asText, exitCode, reply } = await check("servers: { web-1: [\nprofiles: 3\n");
    assert.deepEqual([asText.code, exitCode], [1, 1]);
    assert.deepEqual(codesByPath(reply.problems), { "": "document-unreadable" });
    assert.match(asText.stderr, /^\S+\/director\.yaml:2:1: error: Flow /);
    const [{ line, column } = {}] = reply.problems;
    assert.deepEqual([line, column], [2, 1]);
  });

  it("goes by the warnings of a document that can be served", async () => {
    const vnic = { ip, qos: { rate: "1m_1g", priority: 7 } };
    const { asText, exitCode, reply } = await check({
      servers: { "web-1": { address: "127.0.0.1" } },
      profiles: { shop: { servers: ["web-1"], vnics: { front: vnic } } },
    });
    assert.deepEqual([asText.code, asText.stderr, exitCode], [0, "", 0]);
    assert.equal(reply.isValid, true);
    assert.deepEqual(
      reply.problems.map(({ code, severity }) => [code, severity]),
      [
        ["not-enforced-yet", "warning"],
        ["not-enforced-yet", "warning"],
        ["vnic-without-listeners", "warning"],
      ],
    );
    assert.match(asText.stdout, /^3 warnings$/m);
    assert.match(asText.stdout, /the document is valid\.\n$/);
  });

  it("misses the system's CA bundle where an egress listener would go by it", async () => {
    const listener = { port: 9000, mode: "egress", to: "payments.example:443" };
    const { reply } = await check(
      { profiles: { shop: { vnics: { out: { ip, listeners: [listener] } } } } },
      { SSL_CERT_FILE: "/dev/null", SSL_CERT_DIR: await makeTempFolder() },
    );
    assert.deepEqual(codesByPath(reply.problems), {
      "profiles.shop.vnics.out.listeners[0].endpointTls.ca": "system-ca-missing",
    });
  });
});

forEachEngineIfLong("bun", (engine) => {
  it("serve refuses a bad document with all of its problems, and starts nothing", async () => {
    const files = await badFiles();
    const result = await runDirectorToExit({ document: badDocument, engine, files });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^tlsd: document-invalid: /);
    for (const path of Object.keys(expected)) {
      assert.ok(result.stderr.includes(`\n    at ${path}\n`), path);
    }
    assert.match(result.stderr, /^\S+\/director\.yaml:\d+:\d+: error: /m);
    assert.match(result.stderr, new RegExp(`^${Object.keys(expected).length} errors$`, "m"));
    assert.doesNotMatch(result.stdout + result.stderr, /PRIVATE KEY|worker-ready|listening/);
    await assert.rejects(rawConnect({ host: ip, port: 8443 }), { code: "ECONNREFUSED" });
  });
});
