import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { FailureReply } from "#model/failure.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import type { ApiReply } from "#harness/admin-client.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { ask } from "#harness/many-clients.ts";
import { randomBelow } from "#harness/random.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { scaled } from "#harness/run-length.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient } from "#harness/tls-client.ts";

const PATCH_TYPE = { "content-type": "application/merge-patch+json" };
const deadlineMs = 110_000;

forEachEngineIfLong("bun", (engine) => {
  describe("changes over the API", { concurrency: false }, () => {
    let director: Director;
    /** Its vNIC is in no change. */
    let untouched: TlsClient;
    const ips = Array.from({ length: 4 }, uniqueVirtualIp);

    before(async () => {
      const ca = await createTestCa();
      const issued = await ca.issue({ names: ["shop.example"] });
      const endpoint = await startHttpEndpoint(servedText);
      const ip = uniqueVirtualIp();
      director = await startDirector({
        document: shopDocument({ ip, servers: { web: endpoint.host }, to: endpoint.port }),
        engine,
        files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
      });
      const options = { host: ip, port: 8443, ca: ca.certificatePem, servername: "shop.example" };
      untouched = await tlsConnect(options);
      await ask(untouched);
    });

    const patch = (path: string, body: unknown, tag = "*"): Promise<ApiReply> =>
      director.api(path, {
        method: "PATCH",
        body,
        headers: { ...PATCH_TYPE, "if-match": tag },
        deadlineMs,
      });

    const history = async (): Promise<readonly RevisionRecord[]> => {
      const all: RevisionRecord[] = [];
      for (;;) {
        const last = all.at(-1);
        const query = last === undefined ? "" : `&before=${last.revision}`;
        const { body } = await director.api(`/v1/history?limit=128${query}`);
        const page = body as readonly RevisionRecord[];
        all.push(...page);
        if (page.length < 128) return all;
      }
    };

    it("each of 200 concurrent writers wins, is stale or is told to wait, and each revision is in the history once", async () => {
      const first = await director.status();
      const write = async (writer: number): Promise<number | undefined> => {
        const { headers } = await director.api("/v1/document", { deadlineMs });
        const reply = await patch(
          `/v1/document?reason=writer%20${writer}`,
          { servers: { [`w-${writer}`]: { address: "127.0.0.9" } } },
          String(headers["etag"]),
        );
        if (reply.status === 200) return (reply.body as ChangeReply).revision;
        const { code } = reply.body as FailureReply;
        assert.match(`${reply.status} ${code}`, /^(?:412 revision-conflict|429 too-many-changes)$/);
        if (reply.status === 429) assert.equal(reply.headers["retry-after"], "1");
        return undefined;
      };
      const won: (readonly [writer: number, revision: number])[] = [];
      const outcomes = await Promise.all(Array.from({ length: 200 }, (_, at) => write(at)));
      outcomes.forEach((revision, at) => {
        if (revision !== undefined) won.push([at, revision]);
      });
      assert.ok(won.length > 0);
      const added = (await history()).filter(({ revision }) => revision > first.revision);
      const byRevision = new Map(added.map((record) => [record.revision, record]));
      assert.equal(byRevision.size, added.length);
      assert.deepEqual(
        new Map(won.map(([writer, revision]) => [revision, `writer ${writer}`])),
        new Map(added.map(({ revision, reason }) => [revision, reason])),
      );
      for (const { revision, parent } of added) assert.equal(parent, revision - 1);
      const { body } = await director.api("/v1/servers?name=w-*");
      assert.equal((body as unknown[]).length, won.length);
      await ask(untouched);
    });

    it("a connection with traffic lives through random changes to other vNICs", async () => {
      const below = randomBelow(7);
      const changes = scaled({ short: 100, long: 1_000 });
      const workers = await director.workerPids();
      let made = 0;
      for (let at = 0; at < changes; at += 1) {
        const which = below(ips.length);
        const port = 8_000 + below(4);
        const vnic = {
          ip: ips[which],
          admin: below(5) > 0 ? "up" : "down",
          listeners: [
            { port, mode: "redirect", to: 443 + below(3) },
            { port: 9_443, to: 8080, certificates: ["shop"] },
          ],
        };
        const vnics = { [`other-${which}`]: below(5) > 0 ? vnic : null };
        const reply = await patch("/v1/profiles/other", { vnics }).then((found) =>
          found.status === 412
            ? patch("/v1/document", { profiles: { other: { servers: ["web"], vnics } } })
            : found,
        );
        assert.equal(reply.status, 200, JSON.stringify(reply.body));
        if ((reply.body as ChangeReply).changed) made += 1;
        await ask(untouched);
      }
      assert.ok(made > changes / 2);
      assert.deepEqual(await director.workerPids(), workers);
    });
  });
});
