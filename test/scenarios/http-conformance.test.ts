import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { ANSWERED, BAD_CHUNKS, FRAGMENTS, REFUSED } from "#harness/conformance-cases.ts";
import { startShop, type Shop } from "#harness/shop.ts";

/** What is invalid is answered at once, and not at a deadline of the director. The shortest of these is that of a head. */
const answerMs = 5_000;
const silenceMs = 300;

forEachEngine(
  (engine) => {
    let shop: Shop<"web">;
    /** The targets that have reached the endpoint. */
    const arrived: string[] = [];

    before(async () => {
      const endpoint = await startHttpEndpoint((request, response) => {
        arrived.push(request.url ?? "");
        const parts: Buffer[] = [];
        request.on("data", (part: Buffer) => void parts.push(part));
        request.on("end", () => response.end(Buffer.concat(parts)));
      });
      shop = await startShop({
        engine,
        listeners: { web: { to: endpoint.port, mode: "http" } },
      });
    });

    describe("of the cases of public suites", { concurrency: 16 }, () => {
      for (const [name, status, bytes] of REFUSED) {
        it(`${name} gets ${status} at once, and the connection ends`, async () => {
          await using client = await shop.connect("web");
          // The director may close the connection before it has read all.
          client.send(Buffer.from(bytes, "latin1")).catch(() => undefined);
          const answer = (await client.read.toOutcome(answerMs)).bytes.toString("latin1");
          assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
          assert.match(answer, /^connection: close\r$/im);
          assert.match(answer, /^content-length: \d+\r$/im);
          assert.equal(answer.indexOf("HTTP/1.1", 8), -1, "there is one answer");
        });
      }

      for (const bytes of BAD_CHUNKS) {
        const body = bytes.slice(bytes.indexOf("\r\n\r\n") + 4, -5);
        it(`the chunks ${JSON.stringify(body.slice(0, 40))} get 400, and the connection ends`, async () => {
          await using client = await shop.connect("web");
          client.send(Buffer.from(bytes, "latin1")).catch(() => undefined);
          const answer = (await client.read.toOutcome(answerMs)).bytes.toString("latin1");
          assert.match(answer, /^HTTP\/1\.1 400 [^]*^connection: close\r$/im);
        });
      }

      for (const [name, bytes, body] of ANSWERED) {
        it(`${name} is answered`, async () => {
          await using client = await shop.connect("web");
          await client.send(Buffer.from(bytes, "latin1"));
          const answer = await client.read.until("\r\n\r\n", answerMs);
          assert.match(answer, /^HTTP\/1\.1 200 /);
          assert.equal((await client.read.bytes(body.length, answerMs)).toString(), body);
        });
      }

      it("parts of a head get no answer", async () => {
        const clients = await Promise.all(
          FRAGMENTS.map(async (part) => {
            const client = await shop.connect("web");
            await client.send(part);
            return client;
          }),
        );
        await sleep(silenceMs);
        for (const [at, client] of clients.entries()) {
          const part = JSON.stringify(FRAGMENTS[at]);
          assert.equal(client.socket.readableLength + client.read.received, 0, part);
          assert.equal(client.socket.readableEnded, false, part);
          client.drop();
        }
      });
    });

    it("nothing of a refused request has reached the endpoint", () => {
      assert.ok(arrived.length > 0);
      assert.deepEqual(
        arrived.filter((target) => target.startsWith("/refused")),
        [],
      );
    });
  },
  { concurrency: 1 },
);
