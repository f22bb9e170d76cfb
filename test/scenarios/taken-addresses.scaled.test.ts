import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server } from "node:net";
import { before, describe, it } from "node:test";
import { FAILURES } from "#model/failure-catalog.ts";
import type { FailureCode } from "#model/failure.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { runDirectorToExit, startDirector, type Director } from "#harness/director.ts";
import { untilEnded } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { isEvent } from "#harness/log-capture.ts";
import type { VnicStatus } from "#model/records/status.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { FileContents } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";

/** Another program that listens, which shares the port with those that ask for it as a director's workers do. */
async function listenAsOther(host: string, port: number): Promise<Server> {
  const server = createServer();
  closeAtTestEnd(() => void server.close());
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ host, port, exclusive: true, reusePort: true }, () => listening.resolve());
  await listening.promise;
  return server;
}

const occupy = async (host: string, port: number): Promise<number> =>
  ((await listenAsOther(host, port)).address() as AddressInfo).port;

forEachEngineIfLong("bun", (engine) => {
  let shop: Shop<"front">;
  let files: FileContents;
  let to: number;

  before(async () => {
    to = (await startHttpEndpoint(servedText)).port;
    shop = await startShop({ engine, listeners: { front: { to } } });
    const issued = await (await createTestCa()).issue({ names: ["shop.example"] });
    files = { "shop.pem": issued.chainPem, "shop.key": issued.keyPem };
  });

  const documentOn = (ip: string, port = 8443): object =>
    shopDocument({ ip, port, servers: { web: "127.0.0.1" }, to });

  const assertServes = async (): Promise<void> => {
    const trust = { ca: shop.ca.certificatePem, servername: "shop.example" };
    await visit({ host: shop.ip, port: shop.portOf("front"), ...trust });
  };

  async function assertFailsToStart(
    code: FailureCode,
    detail: string,
    document: object,
    extraArgs: readonly string[] = [],
  ): Promise<void> {
    const result = await runDirectorToExit({ document, engine, files, extraArgs, workers: 1 });
    assert.equal(result.code, 1);
    // Code and sentence, what exactly, and what to do next.
    assert.ok(result.stderr.includes(`${code}: ${FAILURES[code].text}`), result.stderr);
    assert.ok(result.stderr.includes(detail), result.stderr);
    assert.ok(result.stderr.includes(FAILURES[code].hint), result.stderr);
  }

  describe("a director does not start", { concurrency: 2 }, () => {
    it("on a port that another program holds, though that one would share it", async () => {
      const ip = uniqueVirtualIp();
      await occupy(ip, 8443);
      await assertFailsToStart("address-in-use", `${ip}:8443`, documentOn(ip));
    });

    it("on a port that another program holds on all addresses", async () => {
      const port = await occupy("0.0.0.0", 0);
      const ip = uniqueVirtualIp();
      await assertFailsToStart("address-in-use", `${ip}:${port}`, documentOn(ip, port));
    });

    it("on the data folder of another director, whose process it names and which goes on serving", async () => {
      const { pid, dataDir } = shop.director;
      const document = documentOn(uniqueVirtualIp());
      const extraArgs = ["--data", dataDir];
      await assertFailsToStart("data-locked", `Process ${pid} has locked`, document, extraArgs);
      await assertServes();
    });

    it("on the port of another director, which goes on serving, with a data folder of its own", async () => {
      const port = shop.portOf("front");
      const document = documentOn(shop.ip, port);
      await assertFailsToStart("address-in-use", `${shop.ip}:${port}`, document);
      await assertServes();
    });
  });

  it("a start with the document of the store serves all but the vNIC whose port another program has", async () => {
    const ips = [uniqueVirtualIp(), uniqueVirtualIp()] as const;
    const vnicOn = (ip: string): object => ({ ip, listeners: [{ port: 8080, mode: "redirect" }] });
    const vnics = { back: vnicOn(ips[0]), front: vnicOn(ips[1]) };
    const document = { profiles: { shop: { vnics } } };
    const first = await startDirector({ document, engine, workers: 1 });
    assert.equal((await first.stop()).code, 0);
    const other = await listenAsOther(ips[0], 8080);
    const start = () => startDirector({ document, engine, workers: 1, folder: first.dir });
    const opersOf = async (director: Director): Promise<readonly string[]> => {
      const { body } = await director.api("/v1/vnics");
      return (body as readonly VnicStatus[]).map(({ oper }) => oper);
    };

    const second = await start();
    assert.deepEqual(await opersOf(second), ["down", "up"]);
    const missing = await second.waitForLog((line) => isEvent(line, "address-missing"));
    assert.equal(missing["code"], "address-in-use");
    assert.match(String(missing["reason"]), /Another program uses the port/);
    const orphans = await second.kill();
    // Workers of an earlier director have the other port.
    const third = await start();
    assert.deepEqual(await opersOf(third), ["down", "up"]);
    await new Promise((resolve) => other.close(resolve));
    const isUp = async (): Promise<boolean> => (await opersOf(third)).join(" ") === "up up";
    await eventually(isUp, 20_000, "both vNICs up");
    await untilEnded(orphans, 40_000);
    assert.equal((await third.stop()).code, 0);
  });

  it("a change to a port that cannot be had is refused by name, and the state before goes on", async () => {
    const { director } = shop;
    const taken = uniqueVirtualIp();
    await occupy(taken, 8443);
    const { outcome, line } = await director.reload(documentOn(taken));
    assert.equal(outcome, "refused");
    assert.equal(line["code"], "address-in-use");
    assert.ok(String(line["message"]).includes(`${taken}:8443`), String(line["message"]));
    await assertServes();
    assert.match((await director.status()).lastRefusal ?? "", new RegExp(`${taken}:8443`));
  });
});
