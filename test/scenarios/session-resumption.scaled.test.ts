import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { opensslClient } from "#harness/clients.ts";
import { startDirector, type Director } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { recordedVisit, servedText, visit } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const;
/** If workers did not share sessions, one try in two would still find the worker that made the session. */
const visitsAcrossWorkers = 12;

forEachEngineIfLong("bun", (engine) => {
  let ca: TestCa;
  let endpoint: Endpoint;

  before(async () => {
    ca = await createTestCa();
    endpoint = await startHttpEndpoint(servedText);
  });

  const start = async (ip: string, workers: number): Promise<Director> => {
    const issued = await ca.issue({ names: ["shop.example"] });
    const listener = { accessLog: "full" };
    const shop = { ip, servers: { web: endpoint.host }, to: endpoint.port };
    return startDirector({
      document: shopDocument({ ...shop, listener }),
      engine,
      workers,
      files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
    });
  };

  const clientOf = (host: string, options: TlsConnectOptions): TlsConnectOptions => ({
    host,
    port: 8443,
    ca: ca.certificatePem,
    servername: "shop.example",
    ...options,
  });

  describe("with one worker", () => {
    const ip = uniqueVirtualIp();
    let director: Director;

    before(async () => {
      director = await start(ip, 1);
    });

    for (const version of versions) {
      it(`${version} sessions resume, and the record says so`, async () => {
        const first = await recordedVisit(director, clientOf(ip, { maxVersion: version }));
        assert.equal(first.facts.isResumed, false);
        assert.equal(first.line["resumed"], false);
        const { session } = first;
        const again = await recordedVisit(director, clientOf(ip, { maxVersion: version, session }));
        assert.equal(again.facts.protocol, version);
        assert.equal(again.facts.isResumed, true);
        assert.equal(again.line["resumed"], true);
        // TLS 1.3 exchanges keys once more, TLS 1.2 does not.
        const group = version === "TLSv1.3" ? again.facts.group : undefined;
        assert.equal(again.line["group"], group);
      });

      it(`${version} sessions of openssl s_client resume`, async () => {
        const file = join(await makeTempFolder(), "session.pem");
        const flag = version === "TLSv1.2" ? "-tls1_2" : "-tls1_3";
        const target = ["-connect", `${ip}:8443`, "-servername", "shop.example", flag];
        const request = {
          input: "GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n",
          until: new RegExp(servedText),
        };
        const first = await opensslClient([...target, "-sess_out", file], request);
        assert.equal(first.isResumed, false);
        const again = await opensslClient([...target, "-sess_in", file], request);
        assert.equal(again.isConnected, true);
        assert.equal(again.isResumed, true);
      });
    }
  });

  describe("with two workers", () => {
    const ip = uniqueVirtualIp();

    before(() => start(ip, 2));

    for (const version of versions) {
      const rest = engine === "node" ? "resume in each of them" : "are served by each of them";
      it(`${version} sessions ${rest}`, async () => {
        const { session } = await visit(clientOf(ip, { maxVersion: version }));
        const resumed: boolean[] = [];
        for (let count = 0; count < visitsAcrossWorkers; count += 1) {
          const again = await visit(clientOf(ip, { maxVersion: version, session }));
          assert.equal(again.facts.protocol, version);
          resumed.push(again.facts.isResumed);
        }
        if (engine === "node") assert.deepEqual(new Set(resumed), new Set([true]));
      });
    }
  });
});
