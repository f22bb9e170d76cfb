import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { ToControl } from "#protocol/messages.ts";
import { proofSocketOf } from "#protocol/proof-socket.ts";
import { egressListener, MemoryPeer, MemoryPlane, tcpListener } from "#harness/memory-plane.ts";
import { captureHello } from "#harness/tls-client.ts";
import { untilQuiet } from "#harness/virtual-clock.ts";
import type { SnapshotCertificate, SnapshotListener } from "#model/records/snapshot.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import { Proofs } from "./proofs.ts";
import { SILENT } from "./wire/wire.ts";

const certificate: SnapshotCertificate = {
  name: "shop" as CertificateName,
  material: "1" as MaterialId,
  names: ["shop.example"],
  keyType: "ecdsa",
  notAfterMs: Infinity,
  keySchemes: [0x0403],
  chainSchemes: [0x0403],
};

/** A worker that was asked for a proof of a listener. */
async function startProof(spec: SnapshotListener = tcpListener) {
  const memory = new MemoryPlane();
  const { plane, wire } = memory;
  const presents = spec === tcpListener ? { certificates: [certificate.name] } : {};
  const listener = memory.listenerOf({ ...spec, ...presents }, {}, [certificate]);
  plane.contexts.addMaterial({
    [certificate.material]: { kind: "certificate", chainPem: "", keyPem: "" },
  });
  const sent: ToControl[] = [];
  const token = randomBytes(32);
  const proofs = new Proofs({
    plane,
    tryListener: (name) => (name === spec.name ? listener : undefined),
    send: (message) => sent.push(message),
  });
  await proofs.open({
    ...{ type: "prove", number: 7, listener: spec.name },
    token: token.toString("base64"),
  });
  const connect = async (): Promise<MemoryPeer> => {
    const peer = new MemoryPeer(
      wire.connect({ path: proofSocketOf(token), isTlsNext: false }, SILENT),
    );
    await untilQuiet();
    return peer;
  };
  const sayTo = async (peer: MemoryPeer, ...parts: readonly Uint8Array[]): Promise<void> => {
    if (!isOver(peer)) peer.socket.write(Buffer.concat(parts));
    await untilQuiet();
  };
  return { memory, sent, token, connect, sayTo };
}

/** Whether the worker has closed its side. */
const isOver = ({ hasEnded, isClosed }: MemoryPeer): boolean => hasEnded || isClosed;

const hello = (servername: string): Promise<Buffer> => captureHello({ servername });

test("a connection that starts with the token gets a handshake, and is closed after it", async () => {
  const { memory, sent, token, connect, sayTo } = await startProof();
  assert.deepEqual(sent, [{ type: "proving", number: 7 }]);
  const peer = await connect();
  await sayTo(peer, token, await hello("shop.example"));
  assert.equal(memory.wire.handshakes, 1);
  assert.equal(peer.hasEnded, true);
  peer.socket.end();
  await untilQuiet();
  assert.equal(isOver(peer), true);
  assert.equal(memory.plane.connections.size, 0);
  assert.deepEqual(memory.outcomes(), []);
});

test("a connection without the token is closed at once, and the token can still be used", async () => {
  const { memory, token, connect, sayTo } = await startProof();
  for (const wrong of [
    randomBytes(32),
    Buffer.from(token).fill(0, 31),
    await hello("shop.example"),
  ]) {
    const peer = await connect();
    await sayTo(peer, wrong);
    assert.equal(isOver(peer), true);
  }
  assert.equal(memory.wire.handshakes, 0);
  const cut = await connect();
  await sayTo(cut, token.subarray(0, 20));
  assert.equal(isOver(cut), false);
  await sayTo(cut, token.subarray(20), (await hello("shop.example")).subarray(0, 40));
  assert.equal(isOver(cut), false);
});

test("a token is used once, and ends the other connections", async () => {
  const { memory, token, connect, sayTo } = await startProof();
  const [first, second] = [await connect(), await connect()];
  await sayTo(first, token);
  assert.deepEqual([isOver(first), isOver(second)], [false, true]);
  const third = await connect();
  assert.equal(third.failure, "refused");
  await sayTo(first, await hello("shop.example"));
  assert.equal(memory.wire.handshakes, 1);
});

test("silent connections take no place from that of the control process", async () => {
  const { memory, token, connect, sayTo } = await startProof();
  const silent: MemoryPeer[] = [];
  for (let count = 0; count < 20; count += 1) silent.push(await connect());
  assert.equal(silent.filter((peer) => !isOver(peer)).length, 8);
  const peer = await connect();
  await sayTo(peer, token, await hello("shop.example"));
  assert.equal(memory.wire.handshakes, 1);
});

test("what is no ClientHello, and a name that a strict listener does not serve, get no handshake", async () => {
  for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), await hello("other.example")]) {
    const strict = { ...tcpListener, strictServerName: true };
    const { memory, token, connect, sayTo } = await startProof({
      ...strict,
      certificates: [certificate.name],
    });
    const peer = await connect();
    await sayTo(peer, token, bytes);
    assert.equal(isOver(peer), true);
    assert.equal(memory.wire.handshakes, 0);
  }
});

test("a listener that terminates no TLS shows nothing", async () => {
  const { memory, token, connect, sayTo } = await startProof(egressListener);
  const peer = await connect();
  await sayTo(peer, token, await hello("shop.example"));
  assert.equal(isOver(peer), true);
  assert.equal(memory.wire.handshakes, 0);
});

test("the socket is closed at the deadline", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await startProof();
  const waiting = await connect();
  t.mock.timers.tick(1_999);
  assert.equal(isOver(waiting), false);
  t.mock.timers.tick(1);
  await untilQuiet();
  assert.equal(isOver(waiting), true);
  assert.equal((await connect()).failure, "refused");
});
