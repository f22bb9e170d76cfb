import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import {
  extension,
  groups,
  long,
  messageOf,
  nameEntry,
  recordsOf,
  short,
  signatures,
  u16,
  u8,
} from "#dataplane/tls/client-hello-bytes.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { opensslClient } from "#harness/clients.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { FailureLedger } from "#harness/failed-handshakes.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";

/** What some client sends as its server name and what is no host name (RFC 6066 section 3, RFC 1123 section 2.1). */
const noNames = {
  "an IPv4 address": "192.0.2.1",
  "an IPv6 address": "2001:db8::1",
  "an address in brackets": "[2001:db8::1]",
  "a name with a port": "www.shop.example:443",
  "a wildcard": "*.shop.example",
  "an empty label": "www..shop.example",
  "a dot": ".",
  "a space": "www shop.example",
  "a control character": "www\x07.shop.example",
  "what is not ASCII": "w\xc3\xbcw.shop.example",
  "a label of 64 bytes": `${"a".repeat(64)}.shop.example`,
  "a hyphen at the start of a label": "-www.shop.example",
  "255 bytes": `${"a".repeat(63)}.`.repeat(3).padEnd(255, "a"),
} as const;

const serverHello = /^1603/;
/** Fatal unrecognized_name. */
const unrecognizedName = "15030100020270";

/** A hello of TLS 1.2 that any engine answers. */
const helloWith = (name: string): Buffer =>
  recordsOf(
    messageOf({ suites: u16(0xc02b, 0xc02f) }, [
      extension(0, long(nameEntry(name))),
      groups(0x0017),
      signatures(0x0403),
      extension(11, short(u8(0))),
    ]),
  );

forEachEngineIfLong("bun", (engine) => {
  let shop: Shop<"tls" | "strict" | "named">;
  let ledger: FailureLedger;

  before(async () => {
    const { host, port } = await startEchoEndpoint();
    const named = { to: port, certificates: ["shop", "wild", "named"] };
    shop = await startShop({
      engine,
      servers: { web: host },
      listeners: { tls: named, strict: { ...named, strictServerName: true }, named },
      more: {
        certificates: Object.fromEntries(
          ["shop", "wild", "named"].map((name) => [
            name,
            { chain: `${name}.pem`, key: `${name}.key` },
          ]),
        ),
      },
      files: await issueMore(),
    });
    ledger = new FailureLedger(shop.director);
  });

  /** The start of the answer in hex. */
  async function answerTo(
    name: string,
    listener: "tls" | "strict",
  ): Promise<{ readonly answer: string; readonly clientAddress: string }> {
    const clientAddress = uniqueVirtualIp();
    const where = { host: shop.ip, port: shop.portOf(listener), localAddress: clientAddress };
    await using client = await rawConnect(where);
    await client.send(helloWith(name));
    const answer = (await client.read.bytes(7)).toString("hex");
    if (answer === unrecognizedName) assert.equal(await client.read.outcome(), "end");
    return { answer, clientAddress };
  }

  describe("a server name that is no host name", { concurrency: 8 }, () => {
    for (const [what, name] of Object.entries(noNames)) {
      it(`is as good as none, and unrecognized_name on a strict listener: ${what}`, async () => {
        assert.match((await answerTo(name, "tls")).answer, serverHello);
        const { answer, clientAddress } = await answerTo(name, "strict");
        assert.equal(answer, unrecognizedName);
        const record = await ledger.expect({ clientAddress }, "unknown-name");
        assert.match(record.detail ?? "", /^The server name [\x21-\x7e]+ is not a host name\.$/);
        assert.ok(!("serverName" in record));
      });
    }

    it("is unrecognized_name on every listener where both engines refuse it: over 255 bytes, a zero byte", async () => {
      for (const name of ["a".repeat(256), "a.".repeat(150), "www\0.shop.example"]) {
        for (const listener of ["tls", "strict"] as const) {
          const { answer, clientAddress } = await answerTo(name, listener);
          assert.equal(answer, unrecognizedName);
          await ledger.expect({ clientAddress }, "unknown-name");
        }
      }
    });
  });

  describe("a server name", { concurrency: true }, () => {
    const servedTo = async (name: string): Promise<string | undefined> => {
      const target = ["-connect", `${shop.ip}:${shop.portOf("named")}`, "-servername", name];
      const { output } = await opensslClient(target);
      return /^subject=CN = (.+)$/m.exec(output)?.[1];
    };

    it("may end with a dot, which does not count", async () => {
      assert.equal(await servedTo("www.shop.example."), "wild");
    });

    it("with an underscore matches a certificate that has it, and no wildcard", async () => {
      assert.equal(await servedTo("my_app.shop.example"), "named");
      assert.equal(await servedTo("your_app.shop.example"), "shop.example");
      const { answer, clientAddress } = await answerTo("your_app.shop.example", "strict");
      assert.equal(answer, unrecognizedName);
      await ledger.expect({ clientAddress }, "unknown-name");
    });

    it("that is a wildcard is shown the default and not the certificate of that wildcard", async () => {
      assert.equal(await servedTo("*.shop.example"), "shop.example");
    });
  });
});

async function issueMore(): Promise<Record<string, string>> {
  const ca = await createTestCa();
  const wild = await ca.issue({ names: ["*.shop.example"], commonName: "wild" });
  const named = await ca.issue({ names: ["my_app.shop.example"], commonName: "named" });
  return {
    "wild.pem": wild.chainPem,
    "wild.key": wild.keyPem,
    "named.pem": named.chainPem,
    "named.key": named.keyPem,
  };
}
