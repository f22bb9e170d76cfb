import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { Problem } from "#model/failure.ts";
import { isError } from "#model/problem.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { opensslClient } from "#harness/clients.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import {
  connectionLineOf,
  recordedRefusal,
  recordedVisit,
  servedText,
  visit,
} from "#harness/recorded-handshake.ts";
import { scaled } from "#harness/run-length.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { isEvent } from "#harness/log-capture.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const;
type Version = (typeof versions)[number];

/** A name of each TLS identity. The first two ask for no client certificate, the others for one of different CAs. */
const identities = ["open.example", "own.example", "safe.example", "bank.example"] as const;
type Name = (typeof identities)[number];

const REQUEST = "GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";

forEachEngine((engine) => {
  const ip = uniqueVirtualIp();
  const addresses = { web: uniqueVirtualIp(), api: uniqueVirtualIp(), spare: uniqueVirtualIp() };
  /** Arguments of `openssl s_client`. */
  const clientFiles: Partial<Record<Name, readonly string[]>> = {};
  const clients: Partial<Record<Name, IssuedCertificate>> = {};
  let ports: Readonly<Record<"web" | "other", number>>;
  let director: Director;
  let shops: TestCa;

  const documentWith = (names: object, more: { readonly apiServers?: readonly string[] } = {}) => {
    const document = shopDocument({
      ip,
      servers: addresses,
      to: ports.web,
      listener: { accessLog: "full", names },
      profile: { servers: ["web"] },
      more: {
        certificates: {
          shop: { chain: "shop.pem", key: "shop.key" },
          other: { chain: "other.pem", key: "other.key" },
        },
        policies: {
          partners: { clientAuth: { mode: "require", ca: "partners.pem" } },
          banks: { clientAuth: { mode: "require", ca: "banks.pem" } },
          modern13: { minVersion: "TLSv1.3" },
        },
      },
    }) as { profiles: object };
    const { apiServers = ["api"] } = more;
    return { ...document, profiles: { ...document.profiles, api: { servers: apiServers } } };
  };
  const names = () => ({
    "own.example": { certificates: ["other"] },
    "Safe.example.": { policy: "partners" },
    "bank.example": { policy: "banks" },
    "api.example": { profile: "api" },
    "*.wild.example": { policy: "partners", profile: "api", to: ports.other },
    "free.wild.example": {},
    "new.example": { policy: "modern13" },
  });

  before(async () => {
    const [ca, partners, banks] = await Promise.all(
      ["shops", "partners", "banks"].map((name) => createTestCa(name)),
    );
    assert.ok(ca && partners && banks);
    shops = ca;
    const web = await startHttpEndpoint(servedText, { host: addresses.web });
    const onSamePort = { port: web.port };
    await startHttpEndpoint(servedText, { host: addresses.api, ...onSamePort });
    await startHttpEndpoint(servedText, { host: addresses.spare, ...onSamePort });
    const other = await startHttpEndpoint(servedText, { host: addresses.api });
    ports = { web: web.port, other: other.port };
    const shop = await ca.issue({ names: ["open.example", "safe.example", "*.wild.example"] });
    const own = await ca.issue({ names: ["own.example"] });
    for (const [name, issuer] of [
      ["safe.example", partners],
      ["bank.example", banks],
    ] as const) {
      const client = await issuer.issue({ names: [name], commonName: name, usage: "client" });
      clients[name] = client;
      const { chain, key } = await client.writeTo(await makeTempFolder(), name);
      clientFiles[name] = ["-cert", chain, "-key", key];
    }
    director = await startDirector({
      document: documentWith(names()),
      engine,
      workers: 1,
      files: {
        "shop.pem": shop.chainPem,
        "shop.key": shop.keyPem,
        "other.pem": own.chainPem,
        "other.key": own.keyPem,
        "partners.pem": partners.certificatePem,
        "banks.pem": banks.certificatePem,
      },
    });
  });

  async function renewedFiles() {
    const issued = await shops.issue({ names: ["own.example"] });
    const files = { "other.pem": issued.chainPem, "other.key": issued.keyPem };
    return { ...files, serial: issued.serial.toUpperCase() };
  }

  const clientOf = (
    servername: string,
    version: Version,
    certificate?: IssuedCertificate,
    session?: Buffer,
  ): TlsConnectOptions => ({
    ...{ host: ip, port: 8443, servername, rejectUnauthorized: false, session },
    ...{ minVersion: version, maxVersion: version },
    ...(certificate === undefined ? {} : { cert: certificate.chainPem, key: certificate.keyPem }),
  });
  const failureOf = async (client: TlsConnectOptions): Promise<unknown> =>
    (await recordedRefusal(director, client))["failure"];

  describe("server names", { concurrency: true }, () => {
    for (const version of versions) {
      it(`${version}: a name asks for the client certificate of its policy in every form`, async () => {
        const safe = clients["safe.example"];
        for (const form of [
          "safe.example",
          "SAFE.example",
          "safe.example.",
          "any.wild.example",
          "a_b.wild.example",
        ]) {
          assert.equal(await failureOf(clientOf(form, version)), "no-client-certificate", form);
          const { line } = await recordedVisit(director, clientOf(form, version, safe));
          assert.equal(line["clientCertificate"], "safe.example", form);
        }
        const stranger = clientOf("bank.example", version, safe);
        assert.equal(await failureOf(stranger), "untrusted-client-certificate");
      });

      it(`${version}: every other name, and none, has what the listener has`, async () => {
        const forms = ["open.example", "a.b.wild.example", "wild.example", "free.wild.example"];
        for (const form of forms) {
          const { line } = await recordedVisit(director, clientOf(form, version));
          assert.deepEqual([line["server"], line["clientCertificate"]], ["web", undefined], form);
        }
      });

      // The client of Node offers a session only for the name that it was made with, so the client here is openssl s_client.
      it(`${version}: a session is resumed by names of the same identity only`, async () => {
        const folder = await makeTempFolder();
        const flag = version === "TLSv1.2" ? "-tls1_2" : "-tls1_3";
        const run = (servername: string, ...args: readonly string[]) =>
          opensslClient(["-connect", `${ip}:8443`, flag, "-servername", servername, ...args], {
            input: REQUEST,
            until: /served by|closed|alert/,
          });
        const file = (name: Name): string => join(folder, name);
        const some = scaled<readonly Name[]>({
          short: ["open.example", "own.example", "safe.example"],
          long: identities,
        });
        for (const name of some) {
          const made = await run(name, ...(clientFiles[name] ?? []), "-sess_out", file(name));
          assert.match(made.output, /served by/);
          const again = await run(name, "-sess_in", file(name));
          assert.equal(again.isResumed, true, name);
        }
        for (const from of some) {
          for (const to of some) {
            if (to === from) continue;
            const { isResumed, output } = await run(to, "-sess_in", file(from));
            assert.equal(isResumed, false, `${from} to ${to}`);
            assert.equal(/served by/.test(output), clients[to] === undefined, `${from} to ${to}`);
          }
        }
        // The route is not part of the identity, and neither engine compares the name with that of the session.
        const routed = await run("api.example", "-sess_in", file("open.example"));
        assert.equal(routed.isResumed, true);
        const odd = await run("SAFE.EXAMPLE.", "-sess_in", file("open.example"));
        assert.deepEqual([odd.isResumed, /served by/.test(odd.output)], [false, false]);
      });
    }

    it("what is no host name has what the listener has", async () => {
      for (const args of [
        ["-noservername"],
        ["-servername", "192.0.2.1"],
        ["-servername", "säfe.example"],
      ]) {
        const { output } = await opensslClient(["-connect", `${ip}:8443`, ...args], {
          input: REQUEST,
          until: /served by|closed|alert/,
        });
        assert.match(output, /served by/, args.join(" "));
      }
    });

    it("a name has its own certificates, and its own versions", async () => {
      const shownFor = async (name: string): Promise<unknown> =>
        (await visit(clientOf(name, "TLSv1.3"))).facts.peerCertificate.subjectaltname;
      assert.equal(await shownFor("own.example"), "DNS:own.example");
      assert.match(String(await shownFor("other.example")), /open\.example/);
      assert.equal(await failureOf(clientOf("new.example", "TLSv1.2")), "unsupported-version");
      await visit(clientOf("new.example", "TLSv1.3"));
    });

    it("a name has its own endpoints", async () => {
      const endpointOf = async (client: TlsConnectOptions) => {
        const { line } = await recordedVisit(director, client);
        return [line["server"], line["serverName"]];
      };
      assert.deepEqual(await endpointOf(clientOf("API.example.", "TLSv1.3")), [
        "api",
        "api.example",
      ]);
      const wild = clientOf("any.wild.example", "TLSv1.3", clients["safe.example"]);
      assert.deepEqual(await endpointOf(wild), ["api", "any.wild.example"]);
      const { body } = await director.api("/v1/listeners");
      const [listener] = body as readonly { readonly names: unknown; readonly routes: unknown }[];
      assert.deepEqual(
        [listener?.names, listener?.routes],
        [
          7,
          [
            {
              to: `${ports.web}`,
              profile: "api",
              names: 1,
              endpoints: [`${addresses.api}:${ports.web}`],
            },
            {
              to: `${ports.other}`,
              profile: "api",
              names: 1,
              endpoints: [`${addresses.api}:${ports.other}`],
            },
          ],
        ],
      );
    });
  });

  describe("a change", () => {
    const reload = async (...document: Parameters<typeof documentWith>): Promise<void> =>
      assert.equal((await director.reload(documentWith(...document))).outcome, "applied");

    it("of the policy of a name is for new handshakes, and moves of its profile for new connections", async () => {
      const localAddress = uniqueVirtualIp();
      await using open = await tlsConnect({ ...clientOf("api.example", "TLSv1.3"), localAddress });
      const { session } = await visit(clientOf("api.example", "TLSv1.3"));
      const changed = { ...names(), "api.example": { profile: "api", policy: "partners" } };
      await reload(changed, { apiServers: ["spare"] });
      const anew = clientOf("api.example", "TLSv1.3", undefined, session);
      assert.equal(await failureOf(anew), "no-client-certificate");
      const safe = clientOf("api.example", "TLSv1.3", clients["safe.example"], session);
      const { line, facts } = await recordedVisit(director, safe);
      assert.deepEqual([line["server"], facts.isResumed], ["spare", false]);
      await open.send(REQUEST);
      await open.read.until(servedText);
      open.end();
      await open.read.toEnd();
      assert.equal((await connectionLineOf(director, localAddress))["server"], "api");
    });

    it("of the certificate of a name is shown by the same worker, which proves it", async () => {
      const pids = await director.workerPids();
      const from = director.logs.length;
      const { serial, ...renewed } = await renewedFiles();
      await writeFiles(director.dir, renewed);
      await director.waitForLog((line) => isEvent(line, "certificate-changed"), 15_000, from);
      const { peerCertificate } = (await visit(clientOf("own.example", "TLSv1.3"))).facts;
      assert.equal(peerCertificate.serialNumber, serial);
      assert.deepEqual(await director.workerPids(), pids);
    });

    it("that removes the profile of a route is refused", async () => {
      const { status, body } = await director.api("/v1/profiles/api", { method: "DELETE" });
      const { problems } = body as { problems: readonly Problem[] };
      const errors = problems.filter(isError);
      assert.equal(status, 422);
      assert.deepEqual(
        errors.map(({ code }) => code),
        ["unknown-profile", "unknown-profile"],
      );
      assert.match(errors[0]?.message ?? "", /would be removed, but is used here/);
    });

    it("of a route leads clients elsewhere, and back", async () => {
      await reload({ "api.example": { to: `unix:${join(director.dir, "none.sock")}` } });
      const localAddress = uniqueVirtualIp();
      const gone = visit({ ...clientOf("api.example", "TLSv1.3"), localAddress });
      await assert.rejects(gone);
      const failed = await connectionLineOf(director, localAddress);
      assert.equal(failed["outcome"], "endpoint-failed");
      await reload({});
      const { line } = await recordedVisit(director, clientOf("api.example", "TLSv1.3"));
      assert.equal(line["server"], "web");
    });
  });
});
