import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planFolder, type FolderPlan } from "./plan-folder.ts";

const planOf = (...paths: readonly string[]): FolderPlan =>
  planFolder(
    paths.map((path) => ({ path, kind: "file" })),
    "certs",
  );

/** One line for each certificate: its name, its files, and its problem. */
const linesOf = (plan: FolderPlan): readonly string[] =>
  plan.certificates.map(
    ({ name, files, problem }) =>
      `${name}: ${files.join(" ")}${problem === undefined ? "" : ` (${problem.code})`}`,
  );

const layouts: Readonly<
  Record<string, readonly [paths: readonly string[], lines: readonly string[]]>
> = {
  "pairs by name": [
    ["shop.pem", "shop.key", "api.crt", "api.key", "api.example.org.cer", "api.example.org.key"],
    [
      "api: api.crt api.key",
      "api.example.org: api.example.org.cer api.example.org.key",
      "shop: shop.pem shop.key",
    ],
  ],
  "combined files and PKCS #12": [
    ["a.pem", "b.p12", "c.PFX"],
    ["a: a.pem", "b: b.p12", "c: c.PFX"],
  ],
  "keys beside combined files, as HAProxy reads them": [
    ["shop.pem", "shop.pem.key", "api.pem.rsa", "api.pem.ecdsa", "shop.pem.ocsp"],
    ["api.ecdsa: api.pem.ecdsa", "api.rsa: api.pem.rsa", "shop: shop.pem shop.pem.key"],
  ],
  "roles in the names": [
    [
      "shop-key.pem",
      "shop-cert.pem",
      "shop-chain.pem",
      "api.key.pem",
      "api.fullchain.pem",
      "api.cert.pem",
    ],
    ["api: api.fullchain.pem api.key.pem", "shop: shop-cert.pem shop-chain.pem shop-key.pem"],
  ],
  "the folder live of certbot": [
    [
      "README",
      ...["shop.example", "api.example"].flatMap((name) =>
        ["cert", "chain", "fullchain", "privkey"].map((part) => `${name}/${part}.pem`),
      ),
    ],
    [
      "api.example: api.example/fullchain.pem api.example/privkey.pem",
      "shop.example: shop.example/fullchain.pem shop.example/privkey.pem",
    ],
  ],
  "the whole folder of certbot": [
    [
      "archive/shop.example/fullchain1.pem",
      "archive/shop.example/privkey1.pem",
      "keys/0000_key-certbot.pem",
      "live/shop.example/fullchain.pem",
      "live/shop.example/privkey.pem",
      "renewal/shop.example.conf",
    ],
    ["shop.example: live/shop.example/fullchain.pem live/shop.example/privkey.pem"],
  ],
  "one certificate in the folder itself": [
    ["fullchain.pem", "privkey.pem"],
    ["certs: fullchain.pem privkey.pem"],
  ],
  "secrets of Kubernetes": [
    ["shop/tls.crt", "shop/tls.key", "shop/ca.crt", "tls.crt", "tls.key"],
    ["shop: shop/tls.crt shop/ca.crt shop/tls.key", "tls: tls.crt tls.key"],
  ],
  "the folder of Caddy": [
    [
      "ca/shop.example/shop.example.crt",
      "ca/shop.example/shop.example.key",
      "ca/shop.example/shop.example.json",
      "ca/wildcard_.b.example/wildcard_.b.example.crt",
      "ca/wildcard_.b.example/wildcard_.b.example.key",
    ],
    [
      "*.b.example: ca/wildcard_.b.example/wildcard_.b.example.crt ca/wildcard_.b.example/wildcard_.b.example.key",
      "shop.example: ca/shop.example/shop.example.crt ca/shop.example/shop.example.key",
    ],
  ],
  "the folder of lego": [
    [
      "_.shop.example.crt",
      "_.shop.example.key",
      "_.shop.example.issuer.crt",
      "_.shop.example.json",
    ],
    ["*.shop.example: _.shop.example.crt _.shop.example.issuer.crt _.shop.example.key"],
  ],
  "the folders of acme.sh, with keys of two types": [
    ["", "_ecc"].flatMap((ending) =>
      ["shop.example.cer", "shop.example.key", "fullchain.cer", "ca.cer", "shop.example.csr"].map(
        (file) => `shop.example${ending}/${file}`,
      ),
    ),
    [
      "shop.example: shop.example/fullchain.cer shop.example/shop.example.key",
      "shop.example_ecc: shop.example_ecc/fullchain.cer shop.example_ecc/shop.example.key",
    ],
  ],
  "domains that look like a role": [
    ["shop.ca.crt", "shop.ca.key", "turkey.pem", "turkey.key", "my-ca.pem"],
    ["shop.ca: shop.ca.crt shop.ca.key", "turkey: turkey.pem turkey.key"],
  ],
  "the archive of a CA": [
    ["shop_example.crt", "shop_example.ca-bundle", "private.key"],
    ["shop_example: shop_example.crt shop_example.ca-bundle private.key"],
  ],
};

describe("planFolder", () => {
  for (const [name, [paths, lines]] of Object.entries(layouts)) {
    it(`knows ${name}`, () => assert.deepEqual(linesOf(planOf(...paths)), lines));
  }

  it("refuses a key alone, a name that is none, and two certificates of one name", () => {
    const plan = planOf(
      "a.key",
      "b.key",
      "Shop Neu.pem",
      "x/shop.pem",
      "y/x/shop.pem",
      "x/api.pem",
    );
    assert.deepEqual(linesOf(plan), [
      "a: a.key (certificate-missing)",
      "api: x/api.pem",
      "b: b.key (certificate-missing)",
      "shop neu: Shop Neu.pem (bad-certificate-name)",
      "x: x/shop.pem (name-clash)",
      "x: y/x/shop.pem (name-clash)",
    ]);
  });

  it("tells which files it does not use", () => {
    const plan = planFolder(
      [
        { path: "shop.pem", kind: "file" },
        { path: "fifo.pem", kind: "other" },
        { path: "notes.txt", kind: "file" },
        { path: ".shop.pem.swp", kind: "file" },
        { path: "letsencrypt-chain.pem", kind: "file" },
      ],
      "certs",
    );
    assert.deepEqual(linesOf(plan), ["shop: shop.pem"]);
    assert.deepEqual(
      plan.unused.map(({ path, reason }) => `${path}: ${reason}`),
      [
        ".shop.pem.swp: its name is not that of a certificate or key",
        "fifo.pem: it is not a regular file",
        "notes.txt: its name is not that of a certificate or key",
        "letsencrypt-chain.pem: no certificate belongs to these intermediates",
      ],
    );
  });

  it("gives every file one line, and an empty folder none", () => {
    assert.deepEqual(planOf(), { certificates: [], unused: [] });
    const paths = Array.from({ length: 20_000 }, (_, at) => `d${at % 100}/h${at}.pem`);
    const startedAt = performance.now();
    assert.equal(planOf(...paths).certificates.length, 20_000);
    assert.ok(performance.now() - startedAt < 3_000);
  });
});
