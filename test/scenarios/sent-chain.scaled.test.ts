import assert from "node:assert/strict";
import { before, it } from "node:test";
import { opensslClient } from "#harness/clients.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { createTestCa } from "#harness/test-ca.ts";

type Name = "alone" | "asking" | "chained";

forEachEngineIfLong("bun", (engine) => {
  let shop: Shop<Name>;

  before(async () => {
    const { port: to } = await startEchoEndpoint();
    const root = await createTestCa();
    const intermediate = await root.issueIntermediate("intermediate");
    const lone = await root.issue({ names: ["shop.example"] });
    const chained = await intermediate.issue({ names: ["shop.example"] });
    const clientAuth = { mode: "request", ca: "root.pem" };
    shop = await startShop({
      engine,
      listeners: {
        alone: { to, certificates: ["lone"] },
        asking: { to, certificates: ["lone"], policy: "asking" },
        chained: { to, certificates: ["chained"], policy: "asking" },
      },
      more: {
        policies: { asking: { clientAuth } },
        certificates: {
          lone: { chain: "lone.pem", key: "lone.key" },
          chained: { chain: "chained.pem", key: "chained.key" },
        },
      },
      files: {
        "root.pem": root.certificatePem,
        "lone.pem": lone.chainPem,
        "lone.key": lone.keyPem,
        "chained.pem": chained.chainPem,
        "chained.key": chained.keyPem,
      },
    });
  });

  async function sentBy(name: Name): Promise<number> {
    const target = `${shop.ip}:${shop.portOf(name)}`;
    const { output } = await opensslClient(["-connect", target, "-showcerts"]);
    return output.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0;
  }

  it("what stands in the chain file is sent, and nothing else", async () => {
    assert.equal(await sentBy("alone"), 1);
    assert.equal(await sentBy("chained"), 2);
  });

  it("a lone certificate is sent with the CA that signed it where clients are verified by that CA", async () => {
    // What both engines do, and decision 8 accepts.
    assert.equal(await sentBy("asking"), 2);
  });
});
