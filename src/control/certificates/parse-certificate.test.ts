import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { alternativeNames, generalNames } from "#harness/der.ts";
import { issueOddCertificate, utcTime, type OddFields } from "#harness/odd-certificate.ts";
import {
  illegalCertificates,
  legalCertificates,
  nodeOnlyCertificates,
} from "#harness/odd-certificates.ts";
import { parseCertificate, type ParsedCertificate } from "./parse-certificate.ts";
import { SourceProblem } from "./source-problem.ts";
import { certificateProblemsAt } from "./validity.ts";

const places = { chain: "chain", key: "key" };

function parse(chain: string, key: string | undefined): ParsedCertificate {
  return parseCertificate({ chain, key, passphrase: undefined }, places);
}

function parseOdd(fields: OddFields): ParsedCertificate {
  const { chainPem, keyPem } = issueOddCertificate(fields);
  return parse(chainPem, keyPem);
}

const problemOf = (work: () => unknown): string => {
  try {
    work();
    return "none";
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    return `${error.problem.code}: ${error.problem.message} ${error.problem.hint}`;
  }
};

const warningsOf = ({ warnings }: ParsedCertificate): readonly string[] =>
  warnings.map(({ code, message }) => `${code}: ${message}`);

it("each pair is proved, whatever pair was proved or refused before", () => {
  const pairOf = (keys: OddFields["keys"]) =>
    issueOddCertificate(keys === undefined ? {} : { keys });
  const pairs = [
    pairOf(generateKeyPairSync("rsa", { modulusLength: 2_048 })),
    pairOf(generateKeyPairSync("ec", { namedCurve: "P-256" })),
    pairOf(generateKeyPairSync("ec", { namedCurve: "P-384" })),
    pairOf(generateKeyPairSync("ed25519")),
  ];
  for (const [at, { chainPem, keyPem }] of [...pairs, ...pairs.toReversed()].entries()) {
    const { version } = parse(chainPem, keyPem);
    assert.deepEqual(version.material, { kind: "certificate", chainPem, keyPem });
    const { keyPem: another = "" } = pairs.find((one) => one.keyPem !== keyPem) ?? {};
    assert.match(
      problemOf(() => parse(chainPem, another)),
      /^key-mismatch/,
      `pair ${at}`,
    );
  }
});

describe("parseCertificate accepts legal certificates", () => {
  for (const [name, { fields, names }] of Object.entries(legalCertificates)) {
    it(name, () => {
      const { version, warnings } = parseOdd(fields);
      assert.deepEqual(version.facts.names, names);
      assert.deepEqual(warnings, []);
      assert.equal(version.bunRefusal, undefined);
      const { subject, issuer, serialNumber } = version.facts;
      for (const text of [subject, issuer, serialNumber]) assert.ok(text.length < 2_000);
    });
  }

  it("and says which of them engine bun cannot serve", () => {
    for (const [name, { fields, refusal }] of Object.entries(nodeOnlyCertificates)) {
      assert.match(parseOdd(fields).version.bunRefusal ?? "", refusal, name);
    }
    const options = ["rsa_keygen_bits:2048", "rsa_keygen_pubexp:1099511627791"].flatMap(
      (option) => ["-pkeyopt", option],
    );
    const pem = execFileSync("openssl", ["genpkey", "-quiet", "-algorithm", "RSA", ...options]);
    const privateKey = createPrivateKey(pem);
    const long = { privateKey, publicKey: createPublicKey(privateKey) };
    assert.match(parseOdd({ keys: long }).version.bunRefusal ?? "", /exponent/);
  });

  it("and warns of those that many clients refuse", () => {
    const { dns } = generalNames;
    const many = Array.from({ length: 10_000 }, (_, at) => dns(`h${at}.example`));
    const parsed = parseOdd({ extensions: [alternativeNames(...many)] });
    assert.equal(parsed.version.facts.names.length, 10_000);
    assert.match(warningsOf(parsed).join(), /^chain-large: The chain has 1\d\d KiB/);
    const usage = parseOdd(nodeOnlyCertificates["no digitalSignature"]?.fields ?? {});
    assert.match(warningsOf(usage).join(), /^key-usage: .*lacks digitalSignature/);
  });
});

it("a certificate that expired before 1970 is recognized as expired", () => {
  const { version } = parseOdd({
    notBefore: utcTime("500101000000Z"),
    notAfter: utcTime("600101000000Z"),
  });
  const [problem] = certificateProblemsAt(version, "chain", Date.now());
  assert.equal(problem?.code, "certificate-expired");
  assert.match(problem.message, /1960-01-01/);
});

describe("parseCertificate names the problem of", () => {
  for (const [name, { fields, problem }] of Object.entries(illegalCertificates)) {
    it(name, () =>
      assert.match(
        problemOf(() => parseOdd(fields)),
        problem,
      ),
    );
  }

  it("a key with an encryption that OpenSSL no longer supports, unlike a wrong passphrase", () => {
    const { chainPem, keyPem } = issueOddCertificate();
    const encrypt = (...args: readonly string[]): string =>
      execFileSync("openssl", ["pkcs8", "-topk8", "-passout", "pass:x", ...args], {
        input: keyPem,
        encoding: "utf8",
      });
    const old = encrypt("-v1", "PBE-SHA1-RC4-128", "-provider", "legacy", "-provider", "default");
    const refusalOf = (key: string, passphrase: string): string =>
      problemOf(() => parseCertificate({ chain: chainPem, key, passphrase }, places));
    assert.match(refusalOf(old, "x"), /^encryption-unsupported: .*RC4.*openssl pkcs8/);
    assert.match(refusalOf(encrypt("-v2", "aes-256-cbc"), "y"), /^bad-passphrase/);
  });
});
