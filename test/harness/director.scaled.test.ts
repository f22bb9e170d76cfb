import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { before, it } from "node:test";
import { uniqueVirtualIp } from "./addresses.ts";
import { startDirector, runDirectorToExit } from "./director.ts";
import { eventually } from "./deadline.ts";
import { startHttpEndpoint } from "./endpoints.ts";
import { forEachEngineIfLong } from "./engines.ts";
import { isAlive, descendantsOf } from "./process-facts.ts";
import { shopDocument } from "./shop-document.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "./test-ca.ts";
import { tlsConnect } from "./tls-client.ts";

forEachEngineIfLong("node", (engine) => {
  let ca: TestCa;
  let issued: IssuedCertificate;

  before(async () => {
    ca = await createTestCa();
    issued = await ca.issue({ names: ["shop.example"] });
  });

  const filesOf = (certificate: IssuedCertificate): Record<string, string> => ({
    "shop.pem": certificate.chainPem,
    "shop.key": certificate.keyPem,
  });

  it("starts a director, asks it, changes its document and stops it", async () => {
    const endpoint = await startHttpEndpoint("from the shop\n");
    const ip = uniqueVirtualIp();
    const shop = { ip, servers: { web: endpoint.host }, to: endpoint.port };
    const document = shopDocument(shop);
    await using director = await startDirector({ document, engine, files: filesOf(issued) });

    const ask = async (port: number): Promise<string> => {
      const trust = { ca: ca.certificatePem, servername: "shop.example" };
      await using client = await tlsConnect({ host: ip, port, ...trust });
      await client.send("GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
      return (await client.read.toEnd()).toString();
    };
    assert.match(await ask(8443), /from the shop/);

    assert.equal((await director.status()).engine, engine);
    const pids = await director.workerPids();
    assert.equal(pids.length, 2);
    await eventually(async () => {
      const metrics = await director.metrics();
      assert.equal(metrics.sum("tlsd_connections_accepted_total", { vnic: "front.shop" }), 1);
      return true;
    });
    const shown = await director.cli("show", "status", "--json");
    assert.equal(shown.code, 0, shown.stderr);

    assert.equal((await director.reload(document)).outcome, "unchanged");
    assert.equal((await director.reload(shopDocument({ ...shop, port: 9443 }))).outcome, "applied");
    assert.equal((await director.reload("servers: 1\n")).outcome, "refused");
    assert.match(await ask(9443), /from the shop/);

    const workers = descendantsOf(director.pid);
    assert.equal((await director.stop()).code, 0);
    assert.ok(!workers.some(isAlive));
    assert.ok(!existsSync(director.socketPath));
  });

  it("gives what a start that fails has printed", async () => {
    const document = shopDocument({ ip: "127.0.0.300", servers: {}, to: 80 });
    const result = await runDirectorToExit({ document, engine, files: filesOf(issued) });
    assert.equal(result.code, 1);
    assert.match(result.stdout + result.stderr, /vnics\.front\.ip/);
    const starting = startDirector({ document: "servers: 1\n", engine });
    await assert.rejects(starting, /the director ended with 1; it printed:/);
  });
});
