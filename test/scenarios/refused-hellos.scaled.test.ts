import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { MALFORMED_HELLOS } from "#dataplane/tls/malformed-hellos.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { FailureLedger } from "#harness/failed-handshakes.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { captureHello } from "#harness/tls-client.ts";

/** RFC 8446 section 6. */
const descriptions: Readonly<Record<string, number>> = {
  unexpected_message: 10,
  record_overflow: 22,
  illegal_parameter: 47,
  decode_error: 50,
  protocol_version: 70,
  unrecognized_name: 112,
};
const fatal = 2;

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

forEachEngineIfLong("bun", (engine) => {
  let shop: Shop<"tls" | "strict" | "modern">;
  let ledger: FailureLedger;

  before(async () => {
    const { host, port } = await startEchoEndpoint();
    const listeners = {
      tls: { to: port },
      strict: { to: port, strictServerName: true },
      modern: { to: port, policy: "modern" },
    };
    shop = await startShop({ engine, servers: { web: host }, listeners });
    ledger = new FailureLedger(shop.director);
  });

  /** Sends the bytes, and more that nobody asks for, and reads only then; the answer is one alert and an end in order. */
  async function assertRefused(
    bytes: Buffer,
    alert: string,
    options: { readonly listener?: "tls" | "strict" | "modern"; readonly more?: Buffer } = {},
  ): Promise<{ readonly clientAddress: string }> {
    const { listener = "tls", more = Buffer.alloc(0) } = options;
    const clientAddress = uniqueVirtualIp();
    const where = { host: shop.ip, port: shop.portOf(listener), localAddress: clientAddress };
    await using client = await rawConnect(where);
    await client.send(bytes);
    if (more.length > 0) await client.send(more);
    const { bytes: answer, outcome } = await client.read.toOutcome();
    assert.deepEqual(
      [answer.toString("hex"), outcome],
      [Buffer.from([21, 3, 1, 0, 2, fatal, descriptions[alert] ?? -1]).toString("hex"), "end"],
    );
    return { clientAddress };
  }

  for (const [alert, cases] of Object.entries(MALFORMED_HELLOS)) {
    describe(`${alert} is the answer to`, { concurrency: 8 }, () => {
      for (const [name, bytes] of Object.entries(cases)) {
        it(name, async () => {
          const client = await assertRefused(bytes, alert);
          const failure = alert === "unrecognized_name" ? "unknown-name" : "protocol-error";
          await ledger.expect(client, failure);
        });
      }
    });
  }

  describe("the answer arrives", { concurrency: true }, () => {
    it("when the client has more to send, and reads only then", async () => {
      const [broken] = Object.values(MALFORMED_HELLOS.decode_error);
      assert.ok(broken);
      const client = await assertRefused(broken, "decode_error", { more: Buffer.alloc(300_000) });
      await ledger.expect(client, "protocol-error", { detail: "The ClientHello is malformed." });
    });

    it("when the hello comes in small pieces", async () => {
      const [broken] = Object.values(MALFORMED_HELLOS.illegal_parameter);
      assert.ok(broken);
      const clientAddress = uniqueVirtualIp();
      const where = { host: shop.ip, port: shop.portOf("tls"), localAddress: clientAddress };
      await using client = await rawConnect(where);
      await client.sendByteByByte(broken);
      const { bytes, outcome } = await client.read.toOutcome();
      assert.equal(bytes.at(-1), descriptions["illegal_parameter"]);
      assert.equal(outcome, "end");
      await ledger.expect({ clientAddress }, "protocol-error");
    });

    it("and the record of the handshake names what came", async () => {
      const early = await assertRefused(hex("15 0301 0002 0228"), "unexpected_message");
      const other = "The client sent something other than a ClientHello.";
      await ledger.expect(early, "protocol-error", { detail: other });
      const long = await assertRefused(hex("16 0301 4001"), "record_overflow");
      const detail = "A record is longer than 16,384 bytes.";
      await ledger.expect(long, "protocol-error", { detail });
    });
  });

  describe("protocol_version is the answer to", { concurrency: true }, () => {
    it("a hello of SSLv2, alone or with TLS in it", async () => {
      for (const version of ["0002", "0301", "0303"]) {
        const bytes = hex(
          `802b 01 ${version} 0012 0000 0010 ${"0700c0".repeat(6)} ${"01".repeat(16)}`,
        );
        await ledger.expect(await assertRefused(bytes, "protocol_version"), "unsupported-version");
      }
    });

    it("a version that the policy lacks, before the server name is looked at", async () => {
      const sslV3 = hex(`16 0300 002d 01 000029 0300 ${"07".repeat(32)} 00 0002 000a 01 00`);
      const offered = { offeredVersions: ["SSLv3"] };
      for (const listener of ["tls", "strict"] as const) {
        const client = await assertRefused(sslV3, "protocol_version", { listener });
        await ledger.expect(client, "unsupported-version", offered);
      }
      const tls12 = await captureHello({ servername: "shop.example", maxVersion: "TLSv1.2" });
      const client = await assertRefused(tls12, "protocol_version", { listener: "modern" });
      await ledger.expect(client, "unsupported-version", { offeredVersions: ["TLSv1.2"] });
    });
  });

  // This holds whatever tests have run before it: the ledger has the failures that they expected.
  it("takes every refused client's place back, and counts it by its name alone", async () => {
    await shop.untilNoneOpen();
    await ledger.assertCounted();
  });
});
