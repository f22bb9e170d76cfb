import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { runToExit } from "#harness/child-process.ts";
import { opensslClient } from "#harness/clients.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { failedHandshakeWhere } from "#harness/failed-handshakes.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import type { KeyType } from "#harness/test-keys.ts";

const serverName = "shop.example";

/** What a listener has, in the order of the document. */
const listeners = {
  p521: ["p521", "rsa"],
  p384: ["p384", "rsa"],
  curves: ["p521", "p384", "p256", "rsa"],
  edwards: ["ed25519", "rsa"],
  chains: ["of-rsa", "of-ecdsa"],
  alone: ["p521"],
} as const;
type Listener = keyof typeof listeners;

const keyTypes: Readonly<Record<string, KeyType>> = {
  p256: "ecdsa",
  p384: "ecdsa-p384",
  p521: "ecdsa-p521",
  ed25519: "ed25519",
  rsa: "rsa",
};

/** Named as openssl names them; what today's browsers and most programs send. */
const p256 = "ecdsa_secp256r1_sha256";
const p384 = "ecdsa_secp384r1_sha384";
const p521 = "ecdsa_secp521r1_sha512";
const rsa = "rsa_pss_rsae_sha256";

interface Case {
  readonly listener: Listener;
  readonly why: string;
  readonly args: readonly string[];
  readonly served: string;
}
const tls13 = (
  listener: Listener,
  why: string,
  sigalgs: readonly string[],
  served: string,
): Case => ({
  listener,
  why: `TLS 1.3, ${why}`,
  args: ["-tls1_3", "-sigalgs", sigalgs.join(":")],
  served,
});
const tls12 = (listener: Listener, why: string, args: readonly string[], served: string): Case => ({
  listener,
  why: `TLS 1.2, ${why}`,
  args: ["-tls1_2", ...args],
  served,
});

const cases: readonly Case[] = [
  tls13("p521", "a client without P-521 is shown RSA", [p256, p384, rsa], "rsa"),
  tls13("p521", "a client with P-521 is shown P-521", [p521, rsa], "p521"),
  tls13("p384", "a client with P-256 alone is shown RSA", [p256, rsa], "rsa"),
  tls13("p384", "RSA signatures of PKCS #1 do not count", [p384, "rsa_pkcs1_sha256"], "p384"),
  tls13("curves", "the curve decides", [p384], "p384"),
  tls13("curves", "the last curve of the list is found too", [p256, rsa], "p256"),
  tls13("curves", "with several the first of the document is shown", [p256, p384, p521], "p521"),
  tls13("edwards", "Ed25519 where the client has it", ["ed25519", rsa], "ed25519"),
  tls13("edwards", "RSA where it has not", [p256, rsa], "rsa"),
  tls12(
    "p521",
    "a curve is not bound to a scheme",
    ["-sigalgs", "ECDSA+SHA256:RSA+SHA256"],
    "p521",
  ),
  tls12("p521", "the groups are those of the key too", ["-groups", "P-256:X25519"], "rsa"),
  tls12("p521", "with its group P-521 is shown", ["-groups", "X25519:P-521"], "p521"),
  tls12("p384", "P-384 needs its group", ["-groups", "P-256"], "rsa"),
  tls12("curves", "the group decides", ["-groups", "X25519:P-384"], "p384"),
  tls12("curves", "no curve at all", ["-groups", "X25519"], "rsa"),
  tls12("curves", "no scheme for ECDSA", ["-sigalgs", "RSA-PSS+SHA512"], "rsa"),
  tls12(
    "edwards",
    "Ed25519 needs no group",
    ["-groups", "X25519", "-sigalgs", "ed25519"],
    "ed25519",
  ),
  tls12(
    "edwards",
    "Ed25519 goes with the suites of ECDSA",
    ["-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "-sigalgs", "ed25519:RSA+SHA256"],
    "rsa",
  ),
];

async function issue(ca: TestCa, name: string, keyType?: KeyType): Promise<Record<string, string>> {
  const issued = await ca.issue({
    names: [serverName],
    commonName: name,
    ...(keyType === undefined ? {} : { keyType }),
  });
  return { [`${name}.pem`]: issued.chainPem, [`${name}.key`]: issued.keyPem };
}

forEachEngineIfLong("node", (engine) => {
  let shop: Shop<Listener>;

  before(async () => {
    const [ca, rsaCa] = await Promise.all([createTestCa(), createTestCa("RSA CA", "rsa")]);
    const files: Record<string, string> = {
      ...(await issue(rsaCa, "of-rsa")),
      ...(await issue(ca, "of-ecdsa")),
    };
    for (const [name, keyType] of Object.entries(keyTypes))
      Object.assign(files, await issue(ca, name, keyType));
    shop = await start(engine, listeners, files);
  });

  describe("the certificate is chosen by what the client can verify", { concurrency: 4 }, () => {
    for (const { listener, why, args, served } of cases) {
      it(`${why} (${listeners[listener].join(", ")})`, async () => {
        assert.equal(await servedTo(shop, listener, args), served);
      });
    }

    it("TLS 1.3, the chain's signatures count where a certificate fits whole", async () => {
      const both = [p256, rsa].join(":");
      assert.equal(await servedTo(shop, "chains", ["-tls1_3", "-sigalgs", both]), "of-ecdsa");
      const all = [p256, rsa, "rsa_pkcs1_sha256"].join(":");
      assert.equal(await servedTo(shop, "chains", ["-tls1_3", "-sigalgs", all]), "of-rsa");
    });
  });

  describe("where nothing fits", { concurrency: true }, () => {
    const causeFor = async (...args: readonly string[]): Promise<string> => {
      const name = `n${args.join("").replaceAll(/[^a-z0-9]/gi, "")}.example`.toLowerCase();
      const { isConnected } = await connect(shop, "alone", [...args, "-servername", name]);
      assert.equal(isConnected, false);
      const isIt = (record: { readonly serverName?: string }): boolean =>
        record.serverName === name;
      return (await failedHandshakeWhere(shop.director, isIt)).failure;
    };

    it("a missing scheme is no-shared-signature, in TLS 1.2 a missing curve or suite no-shared-cipher", async () => {
      assert.equal(await causeFor("-tls1_3", "-sigalgs", p256), "no-shared-signature");
      assert.equal(await causeFor("-tls1_2", "-groups", "P-256"), "no-shared-cipher");
      const suite = "ECDHE-RSA-AES128-GCM-SHA256";
      assert.equal(await causeFor("-tls1_2", "-cipher", suite), "no-shared-cipher");
    });
  });
});

/** Bun takes no such key: a document with one is refused there. */
describe("on engine node an RSASSA-PSS key", () => {
  it("is shown to clients that can verify it, and one of rsaEncryption to the others", async () => {
    const files: Record<string, string> = {};
    for (const [name, type] of [
      ["pss", "RSA-PSS"],
      ["rsae", "RSA"],
    ] as const)
      Object.assign(files, await selfSigned(name, type));
    const shop = await start("node", { both: ["pss", "rsae"] }, files);
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const servedFor = (sigalgs: string) => servedTo(shop, "both", [version, "-sigalgs", sigalgs]);
      assert.equal(await servedFor("rsa_pss_pss_sha256:rsa_pss_rsae_sha256"), "pss");
      assert.equal(await servedFor("rsa_pss_rsae_sha256"), "rsae");
    }
  });
});

async function selfSigned(name: string, type: string): Promise<Record<string, string>> {
  const folder = await makeTempFolder();
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const bits = ["-pkeyopt", "rsa_keygen_bits:2048"];
  await runToExit("openssl", ["genpkey", "-algorithm", type, ...bits, "-out", key]);
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${serverName}`];
  const request = ["req", "-x509", "-new", "-key", key, "-days", "2", ...subject];
  await runToExit("openssl", [...request, "-out", certificate]);
  return {
    [`${name}.pem`]: await readFile(certificate, "utf8"),
    [`${name}.key`]: await readFile(key, "utf8"),
  };
}

async function start<Name extends string>(
  engine: Engine,
  byListener: Readonly<Record<Name, readonly string[]>>,
  files: Readonly<Record<string, string>>,
): Promise<Shop<Name>> {
  const endpoint = await startHttpEndpoint("hello\n");
  const names = Object.keys(byListener) as Name[];
  const settings = names.map((name) => [
    name,
    { to: endpoint.port, certificates: byListener[name] },
  ]);
  const used = new Set(names.flatMap((name) => byListener[name]));
  return startShop({
    engine,
    servers: { web: endpoint.host },
    listeners: Object.fromEntries(settings) as Record<Name, object>,
    more: {
      certificates: Object.fromEntries(
        [...used].map((name) => [name, { chain: `${name}.pem`, key: `${name}.key` }]),
      ),
    },
    files,
  });
}

const connect = <Name extends string>(
  shop: Shop<Name>,
  listener: Name,
  args: readonly string[],
): ReturnType<typeof opensslClient> =>
  opensslClient(["-connect", `${shop.ip}:${shop.portOf(listener)}`, ...args]);

async function servedTo<Name extends string>(
  shop: Shop<Name>,
  listener: Name,
  args: readonly string[],
): Promise<string | undefined> {
  const { output } = await connect(shop, listener, ["-servername", serverName, ...args]);
  return /^subject=CN = (.+)$/m.exec(output)?.[1] ?? /alert \w+ \w+/.exec(output)?.[0];
}
