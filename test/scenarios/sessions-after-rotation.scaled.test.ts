import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { createTestCa } from "#harness/test-ca.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const;
type Version = (typeof versions)[number];

forEachEngineIfLong("bun", (engine) => {
  let shop: Shop<"web" | "untouched">;

  before(async () => {
    const endpoint = await startEchoEndpoint();
    const other = await (await createTestCa()).issue({ names: ["shop.example"] });
    shop = await startShop({
      engine,
      listeners: {
        web: { to: endpoint.port },
        untouched: { to: endpoint.port, certificates: ["untouched"] },
      },
      files: {
        ...{ "other.pem": other.chainPem, "other.key": other.keyPem },
        ...{ "untouched.pem": other.chainPem, "untouched.key": other.keyPem },
      },
      more: {
        certificates: {
          shop: { chain: "shop.pem", key: "shop.key" },
          untouched: { chain: "untouched.pem", key: "untouched.key" },
        },
      },
    });
  });

  /** Makes a handshake, and resolves to whether it was resumed and to its session. */
  const visit = async (
    listener: "web" | "untouched",
    maxVersion: Version,
    session?: Buffer,
  ): Promise<{ readonly isResumed: boolean; readonly session: Buffer }> => {
    const resumes: TlsConnectOptions = session === undefined ? {} : { session };
    await using client = await shop.connect(listener, {
      ...{ maxVersion, rejectUnauthorized: false },
      ...resumes,
    });
    await client.send(Buffer.from("x"));
    await client.read.bytes(1);
    return { isResumed: client.facts.isResumed, session: session ?? (await client.session()) };
  };

  /** Has the certificate `shop` in other files, or in those of the start. */
  const rotate = async (files: "shop" | "other", query: string): Promise<void> => {
    const body = { certificates: { shop: { chain: `${files}.pem`, key: `${files}.key` } } };
    const { status, body: reply } = await shop.director.api(`/v1/document${query}`, {
      method: "PATCH",
      payload: JSON.stringify(body),
      headers: { "if-match": "*", "content-type": "application/merge-patch+json" },
    });
    assert.equal(status, 200, JSON.stringify(reply));
    const { proof } = reply as ChangeReply;
    assert.deepEqual(
      proof?.shown.map(({ certificate }) => certificate),
      ["shop"],
    );
    const isEnded = engine === "bun" || query !== "";
    assert.equal((reply as ChangeReply).endedSessions !== undefined, isEnded);
  };

  const outcome = engine === "node" ? "go on after" : "end with";
  it(`sessions ${outcome} a rotation`, async () => {
    const sessions = new Map<Version, Buffer>();
    for (const version of versions) {
      const { session } = await visit("web", version);
      sessions.set(version, session);
      assert.equal((await visit("web", version, session)).isResumed, true);
    }
    await rotate("other", "");
    for (const [version, session] of sessions) {
      assert.equal((await visit("web", version, session)).isResumed, engine === "node", version);
    }
  });

  it("forgetSessions ends the sessions of the listeners that present the certificate, and of no others", async () => {
    for (const [version, files] of [
      ["TLSv1.2", "shop"],
      ["TLSv1.3", "other"],
    ] as const) {
      const ended = await visit("web", version);
      const kept = await visit("untouched", version);
      await rotate(files, "?forgetSessions=true");
      assert.equal((await visit("web", version, ended.session)).isResumed, false, version);
      assert.equal((await visit("untouched", version, kept.session)).isResumed, true, version);
      const { session } = await visit("web", version);
      assert.equal((await visit("web", version, session)).isResumed, true, version);
    }
  });
});
