import assert from "node:assert/strict";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { patternBytes } from "#harness/pattern.ts";
import { Random } from "#harness/random.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { IssuedCertificate } from "#harness/test-ca.ts";
import type { TlsClient } from "#harness/tls-client.ts";

const upgrade =
  "GET /socket HTTP/1.1\r\nhost: shop.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
const switching =
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
const largestMessage = 100_000;
const addedPort = 9443;

/** Upgrades and then echoes, as a WebSocket server does on the whole. */
function startUpgradingEndpoint(): Promise<Endpoint> {
  return startEndpoint((socket) => {
    let head = "";
    const onHead = (chunk: Buffer): void => {
      head += chunk.toString("latin1");
      if (!head.endsWith("\r\n\r\n")) return;
      socket.off("data", onHead).write(switching);
      socket.on("data", (message: Buffer) => void socket.write(message));
    };
    socket.on("data", onHead).on("end", () => socket.end());
  });
}

/** An open connection on which messages go to and fro all the time. */
class Conversation {
  messages = 0;
  readonly client: TlsClient;
  readonly #random = new Random();
  readonly #ended: Promise<void>;
  #isStopping = false;

  constructor(client: TlsClient) {
    this.client = client;
    this.#ended = this.#talk();
    // Who stops it learns of it.
    this.#ended.catch(() => undefined);
  }

  /** Fails with what went wrong on the connection since its start. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#ended;
  }

  async #talk(): Promise<void> {
    while (!this.#isStopping) {
      const message = patternBytes(this.#random.size(1, largestMessage));
      const echo = this.client.read.bytes(message.length);
      await this.client.send(message);
      assert.ok((await echo).equals(message), `message ${this.messages}`);
      this.messages += 1;
    }
  }
}

forEachEngineIfLong("node", (engine) => {
  let other: Endpoint;
  let conversation: Conversation;
  let shop: Shop<"socket" | "other">;
  let renewed: IssuedCertificate;

  before(async () => {
    const socket = await startUpgradingEndpoint();
    other = await startHttpEndpoint("other\n");
    shop = await startShop({
      engine,
      workers: 2,
      listeners: { socket: { to: socket.port }, other: { to: other.port } },
    });
    renewed = await shop.ca.issue({ names: ["shop.example"] });
  });

  describe("an open connection loses no byte", () => {
    beforeEach(async () => {
      const client = await shop.connect("socket");
      await client.send(upgrade);
      assert.equal(await client.read.until("\r\n\r\n"), switching);
      conversation = new Conversation(client);
    });

    afterEach(async () => {
      const messages = conversation.messages;
      await eventually(
        () => conversation.messages > messages + 2,
        10_000,
        "messages after the change",
      );
      await conversation.stop();
      conversation.client.reset();
      const record = await shop.recordOf(conversation.client);
      assert.equal(record.outcome, "client-reset");
    });

    /** Gives the vNIC these listeners, the profile more vNICs, the document more parts. */
    const setListeners = (
      listeners: readonly object[],
      vnics: object = {},
      more: object = {},
    ): Promise<void> =>
      shop.setProfile({ vnics: { front: { ip: shop.ip, listeners }, ...vnics } }, more);

    it("when another listener of its vNIC is added, changed and removed", async () => {
      const [socket, untouched] = [shop.listener("socket"), shop.listener("other")];
      const added = { ...untouched, port: addedPort };
      await setListeners([socket, untouched, added]);
      await setListeners([socket, untouched, { ...added, policy: "modern", accessLog: "off" }]);
      await setListeners([socket]);
      await setListeners([socket, untouched]);
    });

    it("when another vNIC is added, moves to another address and is removed", async () => {
      const front = [shop.listener("socket"), shop.listener("other")];
      const back = { listeners: [{ port: addedPort, to: other.port, certificates: ["shop"] }] };
      await setListeners(front, { back: { ip: uniqueVirtualIp(), ...back } });
      await setListeners(front, { back: { ip: uniqueVirtualIp(), ...back } });
      await setListeners(front);
    });

    it("when a change is refused", async () => {
      assert.equal((await shop.director.reload("servers: 1\n")).outcome, "refused");
      const taken = { ...shop.listener("other"), certificates: ["nobody"] };
      await assert.rejects(setListeners([shop.listener("socket"), taken]), /refused/);
      await shop.setProfile({});
    });

    it("when its own listener gets another endpoint, policy and deadlines, which are for new clients", async () => {
      const changed = { to: other.port, policy: "modern", timeouts: { idle: "1s" } };
      await setListeners([{ ...shop.listener("socket"), ...changed }]);
      const client = await shop.connect("socket");
      assert.equal(client.facts.protocol, "TLSv1.3");
      await client.send("GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
      assert.match((await client.read.toEnd()).toString(), /other\n$/);
      await shop.setProfile({});
    });

    it("when the files of its own certificate change, and new clients get the new one", async () => {
      const from = shop.director.logs.length;
      await renewed.writeTo(shop.director.dir, "shop");
      await shop.director.waitForLog((line) => isEvent(line, "certificate-changed"), 15_000, from);
      const client = await shop.connect("socket");
      assert.equal(client.facts.peerCertificate.serialNumber.toLowerCase(), renewed.serial);
    });

    it("when its own listener names another certificate", async () => {
      const spare = await shop.ca.issue({ names: ["shop.example"] });
      await spare.writeTo(shop.director.dir, "spare");
      const certificates = {
        shop: { chain: "shop.pem", key: "shop.key" },
        spare: { chain: "spare.pem", key: "spare.key" },
      };
      const listener = { ...shop.listener("socket"), certificates: ["spare", "shop"] };
      await setListeners([listener], {}, { certificates });
      const client = await shop.connect("socket");
      assert.equal(client.facts.peerCertificate.serialNumber.toLowerCase(), spare.serial);
      await shop.setProfile({});
    });
  });
});
