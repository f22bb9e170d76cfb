import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkPaths, foldersExcept } from "./check-paths.ts";
import { addedPaths, addsNoPath, pathsOf, withAbsolutePaths } from "./document-paths.ts";
import { writtenOf } from "./written-document.ts";

const FRONT = "profiles.shop.vnics.front.listeners";

const written = writtenOf({
  profiles: {
    shop: {
      vnics: {
        front: {
          ip: "198.51.100.1",
          listeners: [
            { port: 443, to: "unix:/run/x/../app.sock", endpointTls: { ca: "./ca.pem" } },
            { port: 80, mode: "redirect", to: 443 },
            {
              port: 81,
              mode: "egress",
              to: "pay.example:443",
              endpointTls: { ca: "/etc//ca.pem" },
            },
          ],
        },
      },
    },
  },
  certificates: { shop: { chain: "shop.pem", key: "../keys/shop.key", passphraseFile: "p" } },
  policies: { own: { clientAuth: { ca: "ca.pem", crl: "ca.crl" } } },
});

describe("the paths of a document", () => {
  it("are found and made absolute, wherever they are", () => {
    const paths = pathsOf(withAbsolutePaths(written, "/etc/tlsd"));
    assert.deepEqual(
      paths.map(({ documentPath, file }) => [documentPath, file]),
      [
        [`${FRONT}[1].endpointTls.ca`, "/etc/ca.pem"],
        [`${FRONT}[2].to`, "/run/app.sock"],
        [`${FRONT}[2].endpointTls.ca`, "/etc/tlsd/ca.pem"],
        ["certificates.shop.chain", "/etc/tlsd/shop.pem"],
        ["certificates.shop.key", "/etc/keys/shop.key"],
        ["certificates.shop.passphraseFile", "/etc/tlsd/p"],
        ["policies.own.clientAuth.ca", "/etc/tlsd/ca.pem"],
        ["policies.own.clientAuth.crl", "/etc/tlsd/ca.crl"],
      ],
    );
    assert.deepEqual(paths[1]?.keys.slice(-2), ["443", "to"]);
  });

  it("are added by a change that writes them at another place or writes others", () => {
    const before = withAbsolutePaths(written, "/etc/tlsd");
    assert.deepEqual(addedPaths(before, pathsOf(before)), []);
    const moved = {
      ...before,
      certificates: { ...before.certificates, other: { chain: "/etc/tlsd/shop.pem" } },
      policies: { own: { clientAuth: { ca: "/elsewhere" } } },
    };
    assert.deepEqual(
      addedPaths(before, pathsOf(moved)).map(({ documentPath }) => documentPath),
      ["certificates.other.chain", "policies.own.clientAuth.ca"],
    );
    assert.equal(addsNoPath(before, before), true);
    assert.equal(
      addsNoPath(before, { ...before, servers: { web: { address: "192.0.2.1" } } }),
      true,
    );
    assert.equal(addsNoPath(before, moved), false);
    assert.equal(addsNoPath({}, before), false);
  });

  it("must be below the allowed folders as text, unless the document of the director names them", () => {
    const foldersOf = foldersExcept({ certificates: { own: { chain: "/srv/own.pem" } } }, [
      "/etc/certs/",
      "/run/x/../sockets",
    ]);
    const paths = pathsOf({
      certificates: Object.fromEntries(
        [
          "/etc/certs/a.pem",
          "/run/sockets/a",
          "/srv/own.pem",
          "/etc/certs-evil/a.pem",
          "/etc/certs/../shadow",
          "/srv/own.pem.old",
          "/etc/certs",
          "/proc/self/root/etc/certs/a.pem",
          "/does/not/exist",
        ].map((chain, at) => [`c${at}`, { chain }]),
      ),
    });
    const problems = checkPaths(paths, foldersOf);
    assert.deepEqual(
      problems.map(({ path }) => path),
      [3, 4, 5, 6, 7, 8].map((at) => `certificates.c${at}.chain`),
    );
    assert.deepEqual(new Set(problems.map(({ code }) => code)), new Set(["path-outside"]));
  });
});
