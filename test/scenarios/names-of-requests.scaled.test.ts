import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { FLAG, FRAME } from "#dataplane/http/h2/frames.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { frameOf, headersOf, requestFieldsOf } from "#harness/http2-client.ts";
import { Http2Socket } from "#harness/http2-socket.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa, type IssuedCertificate } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient } from "#harness/tls-client.ts";

const MISDIRECTED = 421;

interface Answer {
  readonly status: number;
  /** The endpoint, or the sentence of the director. */
  readonly body: string;
  readonly isLast: boolean;
}

/** Sends a request for a host, or one of HTTP/1.0 without Host, and reads the answer. */
async function askFor(client: TlsClient, host: string | undefined): Promise<Answer> {
  const request =
    host === undefined
      ? "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
      : `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
  await client.send(request);
  const head = await client.read.until("\r\n\r\n");
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
  const body = (await client.read.bytes(length)).toString();
  return {
    status: Number(head.split(" ", 2)[1]),
    body,
    isLast: /^connection: close/im.test(head),
  };
}

forEachEngine((engine) => {
  const ip = uniqueVirtualIp();
  let director: Director;
  let partner: IssuedCertificate;
  let web: Endpoint;
  let api: Endpoint;

  const names = {
    "safe.example": { policy: "partners" },
    "also.example": { policy: "partners", profile: "api" },
    "api.example": { profile: "api" },
    "*.wild.example": { policy: "partners" },
    "own.example": { certificates: ["other"] },
  };
  const documentWith = (given: object, partners: object = {}): object => {
    const document = shopDocument({
      ip,
      servers: { web: web.host, api: api.host },
      to: web.port,
      listener: { mode: "http", names: given },
      profile: { servers: ["web"] },
      more: {
        certificates: {
          shop: { chain: "shop.pem", key: "shop.key" },
          other: { chain: "shop.pem", key: "shop.key" },
        },
        policies: {
          partners: { clientAuth: { mode: "require", ca: "partners.pem" }, ...partners },
        },
      },
    }) as { profiles: object };
    return { ...document, profiles: { ...document.profiles, api: { servers: ["api"] } } };
  };

  before(async () => {
    const [ca, partners] = await Promise.all([createTestCa("shops"), createTestCa("partners")]);
    const issued = await ca.issue({ names: ["shop.example"] });
    partner = await partners.issue({ names: ["partner.example"], usage: "client" });
    const others = await createTestCa("others");
    web = await startHttpEndpoint("web\n", { host: uniqueVirtualIp() });
    api = await startHttpEndpoint("api\n", { host: uniqueVirtualIp(), port: web.port });
    director = await startDirector({
      document: documentWith(names),
      engine,
      workers: 1,
      files: {
        "shop.pem": issued.chainPem,
        "shop.key": issued.keyPem,
        "partners.pem": partners.certificatePem,
        "others.pem": others.certificatePem,
      },
    });
  });

  const connect = (
    servername: string | undefined,
    session?: Buffer,
    protocol = "http/1.1",
  ): Promise<TlsClient> =>
    tlsConnect({
      ALPNProtocols: [protocol],
      ...{ host: ip, port: 8443, rejectUnauthorized: false, session },
      ...{ cert: partner.chainPem, key: partner.keyPem },
      servername: servername ?? "",
    });

  /** Returns who answers a request for the host on a connection that was made for the server name. */
  async function whoAnswers(servername: string | undefined, host: string | undefined) {
    await using client = await connect(servername);
    const { status, body } = await askFor(client, host);
    return status === 200 ? body.trim() : status;
  }

  describe("the host of a request", { concurrency: true }, () => {
    /** Hosts that are answered on a connection without a server name, or of a name of the listener. */
    const OPEN = {
      "open.example": "web",
      "OPEN.example.:443": "web",
      "api.example": "api",
      "API.example.": "api",
      "a.b.wild.example": "web",
      "wild.example": "web",
      "192.0.2.1:8443": "web",
      "[2001:db8::1]:8443": "web",
    };
    /** Hosts that are answered on a connection of a name that requires client certificates. */
    const SAFE = {
      "safe.example": "web",
      "SAFE.Example": "web",
      "safe.example.": "web",
      "safe.example:8443": "web",
      "any.wild.example": "web",
      "a_b.wild.example": "web",
      "-a.wild.example:8443": "web",
      "also.example": "api",
    };

    for (const [servername, hosts, others] of [
      [undefined, OPEN, SAFE],
      ["open.example", OPEN, SAFE],
      ["safe.example", SAFE, OPEN],
      ["Any.Wild.Example.", SAFE, OPEN],
    ] as const) {
      it(`belongs to the identity of ${servername ?? "no server name"}, or is misdirected`, async () => {
        await using client = await connect(servername);
        for (const [host, endpoint] of Object.entries(hosts)) {
          const { status, body, isLast } = await askFor(client, host);
          assert.deepEqual([status, body, isLast], [200, `${endpoint}\n`, false], host);
        }
        for (const host of [...Object.keys(others), "own.example"])
          assert.equal(await whoAnswers(servername, host), MISDIRECTED, host);
      });
    }

    it("is the server name if there is none, and else that of the listener", async () => {
      assert.equal(await whoAnswers("also.example", undefined), "api");
      assert.equal(await whoAnswers(undefined, undefined), "web");
      assert.equal(await whoAnswers("own.example", "own.example"), "web");
      assert.equal(await whoAnswers("own.example", "open.example"), MISDIRECTED);
    });

    it("counts on a resumed session as on a new one", async () => {
      await using first = await connect("open.example");
      await askFor(first, "open.example");
      const session = first.socket.getSession();
      await using again = await connect("open.example", session);
      assert.equal(again.facts.isResumed, true);
      assert.equal((await askFor(again, "safe.example")).status, MISDIRECTED);
    });
  });

  describe("a change of the identity of a name", () => {
    const reload = async (...document: Parameters<typeof documentWith>): Promise<void> =>
      assert.equal((await director.reload(documentWith(...document))).outcome, "applied");

    it("closes its connections after the next answer, and leaves others open", async () => {
      await using safe = await connect("safe.example");
      await using open = await connect("open.example");
      for (const [client, host] of [
        [safe, "safe.example"],
        [open, "open.example"],
      ] as const)
        assert.equal((await askFor(client, host)).isLast, false);
      await reload(names, { minVersion: "TLSv1.3" });
      const { status, isLast } = await askFor(safe, "safe.example");
      assert.deepEqual([status, isLast], [200, true]);
      assert.equal((await askFor(open, "open.example")).isLast, false);
    });

    it("drains its sessions of HTTP/2 at once, and leaves others open", async () => {
      const over = async (servername: string): Promise<Http2Socket> => {
        const client = { cert: partner.chainPem, key: partner.keyPem, servername };
        return Http2Socket.connect({ host: ip, port: 8443, rejectUnauthorized: false, ...client });
      };
      const ask = async (session: Http2Socket, id: number, host: string): Promise<unknown> => {
        session.send(headersOf(id, requestFieldsOf({ ":authority": host })));
        await session.untilEnded([id]);
        return session.statusOf(id);
      };
      await using safe = await over("safe.example");
      await using open = await over("open.example");
      assert.equal(await ask(safe, 1, "safe.example"), "200");
      assert.equal(await ask(open, 1, "open.example"), "200");
      await reload(names, { minVersion: "TLSv1.2" });
      await eventually(() => safe.goaways().length === 1);
      assert.equal(await ask(safe, 3, "safe.example"), "200");
      assert.equal(await ask(open, 3, "open.example"), "200");
      assert.deepEqual([safe.goaways(), open.goaways()], [[[2 ** 31 - 1, 0]], []]);
      // The client had sent another request before it knew.
      assert.equal(await ask(safe, 5, "safe.example"), "200");
      const ping = safe.frames.find(({ type }) => type === FRAME.ping);
      safe.send(frameOf(FRAME.ping, FLAG.ack, 0, ping?.payload));
      assert.equal(await safe.untilClosed(), "end");
      assert.deepEqual(safe.goaways().at(-1), [5, 0]);
      assert.equal(open.ended, undefined);
    });

    it("refuses requests for names whose clients must be authenticated in another way", async () => {
      await using safe = await connect("safe.example");
      await using open = await connect("open.example");
      await using moved = await connect("api.example");
      await using over2 = await connect("open.example", undefined, "h2");
      for (const [client, host] of [
        [safe, "safe.example"],
        [open, "open.example"],
        [moved, "api.example"],
      ] as const)
        assert.equal((await askFor(client, host)).status, 200);
      const clientAuth = { mode: "require", ca: "others.pem" };
      await reload({ ...names, "open.example": { policy: "partners" } }, { clientAuth });
      assert.equal((await askFor(safe, "safe.example")).status, MISDIRECTED);
      assert.equal((await askFor(open, "open.example")).status, MISDIRECTED);
      await using session = Http2Socket.over(over2);
      session.send(headersOf(1, requestFieldsOf({ ":authority": "open.example" })));
      await session.untilEnded([1]);
      assert.equal(session.statusOf(1), "421");
      assert.deepEqual(await askFor(moved, "api.example"), {
        ...{ status: 200, body: "api\n", isLast: false },
      });
    });
  });
});
