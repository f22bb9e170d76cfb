import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { it } from "node:test";
import { startEgress, type RemoteSettings } from "#harness/egress.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { isInNetworkNamespace, runInNetworkNamespace } from "#harness/network-namespace.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { createTestCa } from "#harness/test-ca.ts";

const nameServer = "127.0.0.1";
const connectMs = 2_000;
/** More than the runtime has threads for lookups. */
const hanging = [1, 2, 3, 4, 5].map((at) => `hang${at}`);

/** Answers each question for an IPv4 address with 127.0.0.1 (RFC 1035 section 4), and nothing for names that hang. */
async function startNameServer(): Promise<void> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    if (query.includes("hang")) return;
    const typeAt = query.indexOf(0, 12) + 1;
    const isA = query.readUInt16BE(typeAt) === 1;
    const question = query.subarray(12, typeAt + 4);
    const header = Buffer.from([
      ...query.subarray(0, 2),
      0x81,
      0x80,
      0,
      1,
      0,
      isA ? 1 : 0,
      0,
      0,
      0,
      0,
    ]);
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1];
    socket.send(Buffer.concat([header, question, Buffer.from(isA ? answer : [])]), port, address);
  });
  closeAtTestEnd(() => void socket.close());
  socket.bind(53, nameServer);
  await once(socket, "listening");
}

if (isInNetworkNamespace) {
  forEachEngineIfLong("bun", (engine) => {
    it("a name that was known is served while others hang; a connect to those ends at its deadline", async () => {
      await startNameServer();
      const ca = await createTestCa();
      const { chainPem: cert, keyPem: key } = await ca.issue({ names: ["good.example"] });
      const remoteOf = (name: string): RemoteSettings => ({
        ...{ tls: { cert, key }, host: "127.0.0.1", endpointTls: { ca: "ca.pem" } },
        name: `${name}.example`,
        listener: { timeouts: { connect: `${connectMs}ms` } },
      });
      const names = ["good", ...hanging];
      const remotes = Object.fromEntries(names.map((name) => [name, remoteOf(name)]));
      const egress = await startEgress({ engine, remotes, files: { "ca.pem": ca.certificatePem } });

      const assertServed = async (): Promise<void> => {
        await using client = await rawConnect(egress.to("good"));
        await client.send("hello\n");
        await client.read.until("hello\n");
      };
      await assertServed();
      const waiting = hanging.map(async (name) => {
        const client = await rawConnect(egress.to(name));
        const outcome = await client.read.outcome();
        assert.equal(outcome, "ECONNRESET");
        const record = await egress.recordOf(name, client.clientPort);
        assert.equal(record.endpointFailure, "timeout");
        assert.ok(record.durationMs >= connectMs && record.durationMs < 3 * connectMs);
      });
      await assertServed();
      await Promise.all(waiting);
      await assertServed();
    });
  });
} else {
  it("egress to names that hang", (t) => runInNetworkNamespace(t, import.meta.url, {}, nameServer));
}
