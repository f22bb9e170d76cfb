import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { FLAG, FRAME } from "#dataplane/http/h2/frames.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { frameOf, headersOf, requestFieldsOf } from "#harness/http2-client.ts";
import { Http2Socket } from "#harness/http2-socket.ts";
import { isEvent } from "#harness/log-capture.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect } from "#harness/tls-client.ts";

const GOAWAY_FIRST = [2 ** 31 - 1, 0] as const;
const changeMs = 15_000;

forEachEngine((engine) => {
  describe("a revocation list of a name that changes", { concurrency: false }, () => {
    const ip = uniqueVirtualIp();
    let director: Director;
    let partners: TestCa;
    let good: IssuedCertificate;
    let bad: IssuedCertificate;
    /** Answers the request for `/slow`. */
    let release: (() => void) | undefined;
    let requests = 0;

    before(async () => {
      const endpoint = await startHttpEndpoint((request, response) => {
        requests += 1;
        if (request.url === "/slow") {
          response.write("first ");
          release = () => void response.end("last");
        } else response.end("served");
      });
      const ca = await createTestCa("shops");
      partners = await createTestCa("partners");
      const issued = await ca.issue({ names: ["shop.example"] });
      good = await partners.issue({ names: ["good.example"], usage: "client" });
      bad = await partners.issue({ names: ["bad.example"], usage: "client" });
      director = await startDirector({
        engine,
        workers: 1,
        document: shopDocument({
          ip,
          servers: { web: endpoint.host },
          to: endpoint.port,
          listener: { mode: "http", names: { "safe.example": { policy: "partners" } } },
          more: {
            policies: {
              partners: {
                clientAuth: { mode: "require", ca: "partners.pem", crl: "partners.crl" },
              },
            },
          },
        }),
        files: {
          "shop.pem": issued.chainPem,
          "shop.key": issued.keyPem,
          "partners.pem": partners.certificatePem,
          "partners.crl": await partners.revocationList([]),
        },
      });
    });

    const targetAs = (client: IssuedCertificate, servername: string, session?: Buffer) => ({
      ...{ host: ip, port: 8443, rejectUnauthorized: false, servername, session },
      ...{ cert: client.chainPem, key: client.keyPem },
    });
    const connectAs = (client: IssuedCertificate, servername = "safe.example") =>
      Http2Socket.connect(targetAs(client, servername));
    const send = (session: Http2Socket, id: number, path = "/", host = "safe.example"): void =>
      session.send(headersOf(id, requestFieldsOf({ ":authority": host, ":path": path })));
    const ask = async (...request: Parameters<typeof send>): Promise<string | undefined> => {
      send(...request);
      const [session, id] = request;
      await session.untilEnded([id]);
      return session.statusOf(id);
    };
    const acknowledge = (session: Http2Socket): void => {
      const ping = session.frames.find(({ type }) => type === FRAME.ping);
      session.send(frameOf(FRAME.ping, FLAG.ack, 0, ping?.payload));
    };

    it("drains the open sessions of the name, and a revoked client makes no request any more", async () => {
      await using idle = await connectAs(good);
      await using revoked = await connectAs(bad);
      await using busy = await connectAs(good);
      await using other = await connectAs(bad, "open.example");
      assert.equal(await ask(idle, 1), "200");
      assert.equal(await ask(revoked, 1), "200");
      assert.equal(await ask(other, 1, "/", "open.example"), "200");
      send(busy, 1, "/slow");
      await eventually(() => busy.bodyOf(1) === "first ");
      const kept = await tlsConnect({ ...targetAs(bad, "safe.example"), ALPNProtocols: ["h2"] });
      const session = await kept.session();
      await kept[Symbol.asyncDispose]();

      const list = await partners.revocationList([bad.serial]);
      await writeFiles(director.dir, { "partners.crl": list });
      await eventually(
        () => [idle, revoked, busy].every(({ frames }) => frames.some(isGoaway)),
        changeMs,
        "GOAWAY on all sessions of the name",
      );
      for (const { goaways } of [idle, revoked, busy].map((one) => ({ goaways: one.goaways() })))
        assert.deepEqual(goaways, [GOAWAY_FIRST]);
      assert.deepEqual(other.goaways(), []);

      // These requests might have been sent before the client knew.
      const served = requests;
      assert.equal(await ask(revoked, 3), "421");
      assert.equal(await ask(idle, 3), "421");
      assert.equal(await ask(busy, 3), "421");
      assert.equal(requests, served);
      assert.equal(await ask(other, 3, "/", "open.example"), "200");

      for (const one of [idle, revoked, busy]) acknowledge(one);
      assert.equal(await idle.untilClosed(), "end");
      assert.equal(await revoked.untilClosed(), "end");
      assert.equal(busy.ended, undefined);
      release?.();
      assert.equal(await busy.untilClosed(), "end");
      assert.equal(busy.bodyOf(1), "first last");

      // New connections, also those that would resume a session from before.
      const from = director.logs.length;
      for (const resumed of [undefined, session]) {
        const late = await tlsConnect({
          ...targetAs(bad, "safe.example", resumed),
          ALPNProtocols: ["h2"],
        }).catch(() => undefined);
        assert.notEqual(late?.facts.isResumed, true);
        if (late !== undefined) await late.read.toOutcome();
      }
      await director.waitForLog(
        (line) => isEvent(line, "handshake-failed") && /revoked/.test(JSON.stringify(line)),
        5_000,
        from,
      );
      await using fresh = await connectAs(good);
      assert.equal(await ask(fresh, 1), "200");
    });
  });
});

const isGoaway = ({ type }: { readonly type: number }): boolean => type === FRAME.goaway;
