import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { testReading } from "#harness/material-reader.ts";
import { makeTempFolder, writeFiles, type FileContents } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { loadSources, type LoadedSources } from "./load-sources.ts";

/** The files are written by the OpenSSL command line or changed as an editor may change them. */
describe("loadSources reads PEM as OpenSSL does, and names blocks that it does not use:", () => {
  const reading = testReading();
  let folder: string;
  let ca: TestCa;
  let between: TestCa;
  let leaf: IssuedCertificate;

  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  };
  const load = (rest: object): Promise<LoadedSources> =>
    loadSources(parseDocument(rest).draft, folder, reading);
  const loadPair = (chain: string, key = "leaf.key"): Promise<LoadedSources> =>
    load({ certificates: { shop: { chain, key } } });
  const loadTrust = (files: object): Promise<LoadedSources> =>
    load({ policies: { p: { clientAuth: { mode: "require", ...files } } } });
  const problemsOf = ({ problems }: LoadedSources): readonly string[] =>
    problems.map(({ severity, code, path, message }) => `${severity} ${code} ${path}: ${message}`);
  const chainLengthOf = ({ sources }: LoadedSources): number =>
    sources.certificates.get("shop")?.material.chainPem.split("-----BEGIN").length ?? 0;

  before(async () => {
    folder = await makeTempFolder();
    ca = await createTestCa();
    between = await ca.issueIntermediate("between");
    leaf = await between.issue({ names: ["shop.example"] });
    await writeFiles(folder, {
      "leaf.pem": leaf.certificatePem,
      "between.pem": between.certificatePem,
      "leaf.key": leaf.keyPem,
      "ca.pem": ca.certificatePem,
      "ca.crl": await ca.revocationList([]),
    });
    openssl("ec", "-in", "leaf.key", "-out", "sec1.key");
    openssl("ecparam", "-name", "prime256v1", "-out", "curve.pem");
    openssl(
      "x509",
      "-in",
      "between.pem",
      "-trustout",
      "-addtrust",
      "serverAuth",
      "-out",
      "trusted.pem",
    );
    openssl("x509", "-in", "ca.pem", "-trustout", "-setalias", "x", "-out", "trusted-ca.pem");
    openssl(
      "x509",
      "-in",
      "ca.pem",
      "-trustout",
      "-addreject",
      "clientAuth",
      "-out",
      "rejected.pem",
    );
    openssl("x509", "-in", "leaf.pem", "-outform", "DER", "-out", "leaf.der");
    openssl("ec", "-in", "leaf.key", "-outform", "DER", "-out", "key.der");
    openssl("crl", "-in", "ca.crl", "-outform", "DER", "-out", "crl.der");
    openssl("crl2pkcs7", "-nocrl", "-certfile", "between.pem", "-out", "between.p7");
    openssl("req", "-new", "-key", "leaf.key", "-subj", "/CN=x", "-out", "leaf.csr");
    const p12 = ["-inkey", "leaf.key", "-in", "leaf.pem", "-passout", "pass:x", "-out", "leaf.p12"];
    openssl("pkcs12", "-export", ...p12);
    const ssh = "OPENSSH PRIVATE KEY";
    await writeFiles(folder, { "ssh.key": `-----BEGIN ${ssh}-----\nAAAA\n-----END ${ssh}-----\n` });
  });

  const readText = (name: string): string =>
    execFileSync("cat", [join(folder, name)], { encoding: "utf8" });

  it("a chain of certificates with each possible label", async () => {
    const old = between.certificatePem.replaceAll("CERTIFICATE", "X509 CERTIFICATE");
    await writeFiles(folder, {
      "old.pem": leaf.certificatePem + old,
      "aux.pem": leaf.certificatePem + readText("trusted.pem"),
    });
    for (const chain of ["old.pem", "aux.pem"]) {
      const loaded = await loadPair(chain);
      assert.deepEqual(problemsOf(loaded), [], chain);
      const [, second] = (loaded.sources.certificates.get("shop")?.material.chainPem ?? "")
        .split(/(?=-----BEGIN)/)
        .map((pem) => new X509Certificate(pem));
      assert.equal(
        second?.fingerprint256,
        new X509Certificate(between.certificatePem).fingerprint256,
      );
    }
  });

  it("a chain after an editor has changed white space and line ends", async () => {
    const both = leaf.certificatePem + between.certificatePem;
    const variants: FileContents = {
      "mark.pem": `\ufeff${both}`,
      "crlf.pem": both.replaceAll("\n", "\r\n"),
      "spaces.pem": both.replaceAll("\n", " \t\n"),
      "cut.pem": both.trimEnd(),
      "text.pem": `subject=a\n\n${leaf.certificatePem}# next\n${between.certificatePem}end\n`,
    };
    await writeFiles(folder, variants);
    for (const chain of Object.keys(variants)) {
      const loaded = await loadPair(chain);
      assert.deepEqual(problemsOf(loaded), [], chain);
      assert.equal(chainLengthOf(loaded), 3, chain);
    }
  });

  it("a key that follows or contains the parameters of its curve", async () => {
    await writeFiles(folder, { "both.key": readText("curve.pem") + readText("sec1.key") });
    assert.deepEqual(problemsOf(await loadPair("leaf.pem", "both.key")), []);
    openssl("req", "-x509", "-new", "-key", "sec1.key", "-subj", "/CN=x", "-out", "self.pem");
    openssl("ec", "-in", "sec1.key", "-param_enc", "explicit", "-out", "spelled.key");
    const { sources, problems } = await loadPair("self.pem", "spelled.key");
    assert.deepEqual(problems, []);
    // BoringSSL accepts a key only if it names its curve.
    const keyPem = sources.certificates.get("shop")?.material.key.open() ?? "";
    assert.ok(keyPem.length < 300, keyPem.length.toString());
  });

  it("a block that is not used is a warning with its line", async () => {
    const indented = between.certificatePem.replaceAll(/^/gm, "  ");
    await writeFiles(folder, {
      "indented.pem": leaf.certificatePem + indented,
      "request.pem": leaf.certificatePem + readText("leaf.csr"),
      "pkcs7.pem": leaf.certificatePem + readText("between.p7"),
      "keyed.pem": leaf.certificatePem + leaf.keyPem,
      "many.pem": leaf.certificatePem + readText("curve.pem").repeat(12),
      "bundle.key": leaf.certificatePem + leaf.keyPem,
    });
    const line = leaf.certificatePem.split("\n").length;
    for (const [chain, expected] of [
      ["indented.pem", `\`CERTIFICATE\` in line ${line} is not used: its first line is indented.`],
      [
        "request.pem",
        `\`CERTIFICATE REQUEST\` in line ${line} is not used: it is a certificate signing request`,
      ],
      ["pkcs7.pem", `\`PKCS7\` in line ${line} is not used: \`openssl pkcs7`],
      ["keyed.pem", `\`private key\` in line ${line} is not used.`],
    ] as const) {
      const loaded = await loadPair(chain);
      const [warning = "", ...others] = problemsOf(loaded);
      assert.ok(warning.startsWith("warning pem-not-used certificates.shop.chain: "), warning);
      assert.ok(warning.includes(expected), warning);
      assert.deepEqual(others, []);
      assert.equal(chainLengthOf(loaded), 2, chain);
    }
    const many = problemsOf(await loadPair("many.pem"));
    assert.equal(many.length, 11);
    assert.match(many.at(-1) ?? "", /2 more PEM blocks/);
    const [bundled] = problemsOf(await loadPair("leaf.pem", "bundle.key"));
    assert.match(bundled ?? "", /^warning .*certificates\.shop\.key: .*CERTIFICATE` in line 1 /);
    const { certificatePem, keyPem } = leaf;
    await writeFiles(folder, { "one.pem": keyPem + certificatePem });
    assert.deepEqual(problemsOf(await loadPair("one.pem", "one.pem")), []);
    assert.deepEqual(problemsOf(await loadPair("one.pem", "./one.pem")), []);
  });

  it("a file without usable blocks causes a problem with its format and a command that converts it", async () => {
    const { certificatePem, keyPem } = leaf;
    await writeFiles(folder, {
      "all-indented.pem": certificatePem.replaceAll(/^/gm, "  "),
      "cr.pem": certificatePem.replaceAll("\n", "\r"),
      "utf16.pem": Buffer.from(`\ufeff${certificatePem}`, "utf16le"),
      "indented.key": keyPem.replaceAll(/^/gm, "  "),
    });
    for (const [chain, key, expected] of [
      ["all-indented.pem", "leaf.key", /no PEM certificate.*line 1 .*indented/],
      ["cr.pem", "leaf.key", /no PEM certificate.*carriage return/],
      ["utf16.pem", "leaf.key", /The file is UTF-16.*iconv/],
      ["leaf.der", "leaf.key", /The file is DER, not PEM.*openssl x509 -inform DER/],
      ["leaf.p12", "leaf.key", /The file is PKCS #12, not PEM.*openssl pkcs12/],
      ["between.p7", "leaf.key", /`PKCS7` in line 1 .*pkcs7 -print_certs/],
      ["leaf.csr", "leaf.key", /CERTIFICATE REQUEST` in line 1/],
      ["leaf.pem", "key.der", /no private key.*The file is DER.*openssl pkey -inform DER/],
      ["leaf.pem", "leaf.p12", /no private key.*PKCS #12/],
      ["leaf.pem", "ssh.key", /OPENSSH PRIVATE KEY` in line 1 .*ssh-keygen -p/],
      ["leaf.pem", "indented.key", /no private key.*private key` in line 1 .*indented/],
      ["leaf.pem", "curve.pem", /no private key.*EC PARAMETERS` in line 1/],
    ] as const) {
      const { problems } = await loadPair(chain, key);
      const [problem] = problems;
      assert.equal(problem?.severity, "error", `${chain} ${key}`);
      assert.match(`${problem?.message} ${problem?.hint}`, expected, `${chain} ${key}`);
      assert.match(problem?.code ?? "", /malformed$/);
    }
  });

  it("CA bundles and revocation lists in the same formats", async () => {
    const crl = await ca.revocationList([]);
    await writeFiles(folder, {
      "mark.crl": `\ufeff${crl.replaceAll("\n", "\r\n")}`,
      "mixed-ca.pem": ca.certificatePem + leaf.keyPem + between.certificatePem.replace(/^/, " "),
      "mixed.crl": ca.certificatePem + crl,
      "indented.crl": crl.replaceAll(/^/gm, " "),
    });
    assert.deepEqual(problemsOf(await loadTrust({ ca: "trusted-ca.pem", crl: "mark.crl" })), []);
    const mixed = problemsOf(await loadTrust({ ca: "mixed-ca.pem", crl: "mixed.crl" }));
    assert.equal(mixed.length, 3, mixed.join("\n"));
    assert.match(
      mixed[0] ?? "",
      /^warning pem-not-used policies\.p\.clientAuth\.ca: .*`private key`/,
    );
    assert.match(
      mixed[1] ?? "",
      /clientAuth\.ca: .*CERTIFICATE` in line \d+ .*(other text|indented)/,
    );
    assert.match(mixed[2] ?? "", /clientAuth\.crl: .*CERTIFICATE` in line 1 /);
    for (const [files, expected] of [
      [{ ca: "rejected.pem" }, /^error ca-malformed .*line 1 has OpenSSL trust settings/],
      [{ ca: "leaf.der" }, /^error ca-malformed .*The file is DER/],
      [{ ca: "ca.pem", crl: "crl.der" }, /^error crl-malformed .*The file is DER/],
      [{ ca: "ca.pem", crl: "indented.crl" }, /^error crl-malformed .*X509 CRL` in line 1 /],
      [{ ca: "ca.pem", crl: "leaf.csr" }, /^error crl-malformed .*CERTIFICATE REQUEST/],
    ] as const) {
      assert.match(problemsOf(await loadTrust(files))[0] ?? "", expected, JSON.stringify(files));
    }
  });

  it("revocation lists with every signature algorithm of OpenSSL", async () => {
    const configuration = [
      "[ca]\ndefault_ca=x\n[x]\ndatabase=index\ncrlnumber=number\ndefault_crl_days=30",
      "default_md=sha384\n",
    ].join("\n");
    await writeFiles(folder, { cnf: configuration, index: "", number: "01\n" });
    for (const [key, ...options] of [
      [["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]],
      [
        ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "-sigopt",
        "rsa_padding_mode:pss",
      ],
      [["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]],
      [["-algorithm", "ED25519"]],
    ] as const) {
      openssl("genpkey", ...key, "-out", "x.key");
      openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        "x.key",
        "-subj",
        "/C=DE/O=Example  CA/CN=x",
        "-out",
        "x.pem",
      );
      const pair = ["-cert", "x.pem", "-keyfile", "x.key", "-config", "cnf"];
      openssl("ca", "-gencrl", ...pair, "-out", "x.crl", ...options);
      assert.deepEqual(
        problemsOf(await loadTrust({ ca: "x.pem", crl: "x.crl" })),
        [],
        key.join(" "),
      );
    }
  });
});
