import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateName, ListenerName, MaterialId, VnicName } from "#model/names.ts";
import type { Material, SnapshotCertificate, SnapshotListener } from "#model/records/snapshot.ts";
import { boundedMessagesOf, MessageAssembly, type BoundedMessage } from "./bounded-messages.ts";
import { MAX_FRAME_BYTES_TO_WORKER } from "./channel-limits.ts";
import type { Prepare, ToWorker, Unsent } from "./messages.ts";

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

const certificateOf = (at: number): SnapshotCertificate => ({
  name: `certificate-${at}` as CertificateName,
  material: `material ${at}` as MaterialId,
  names: numbers(3).map((name) => `www-${name}.site-${at}.example.org`),
  keyType: "ecdsa",
  keySchemes: [0x0403],
  chainSchemes: [0x0403],
  notAfterMs: at,
});

/** A prepare of `count` certificates on one listener. */
function prepareOf(count: number, more: Partial<Prepare> = {}): Prepare {
  const certificates = numbers(count).map(certificateOf);
  const name = "front.shop:443" as ListenerName;
  const listener = { name, certificates: certificates.map((one) => one.name) };
  return {
    ...{ type: "prepare", number: 7, base: 0, certificates, removedCertificates: [] },
    listeners: [listener as unknown as SnapshotListener],
    ...{ removed: [], vnics: [], removedVnics: ["back.shop" as VnicName] },
    ...{ absentIps: ["192.0.2.1"], maxConnections: 100, relayMemoryBytes: 1_000 },
    material: Object.fromEntries(
      certificates.map(({ material }): [MaterialId, Material] => [
        material,
        { kind: "certificate", chainPem: "c".repeat(1_400), keyPem: "k".repeat(240) },
      ]),
    ),
    ...more,
  };
}

function unsent(message: ToWorker): Unsent {
  if (message.type !== "prepare") return message;
  const ids = Object.keys(message.material) as MaterialId[];
  const readOf = (id: MaterialId) => (): Material =>
    message.material[id] ?? assert.fail("There is no such material.");
  return { ...message, material: new Map(ids.map((id) => [id, readOf(id)])) };
}

const lengthOf = (message: BoundedMessage): number => Buffer.byteLength(JSON.stringify(message));

/** Sends messages through JSON, checks their bound, and returns what the other side has then. */
function passed(...messages: readonly ToWorker[]): {
  readonly taken: readonly ToWorker[];
  readonly bounded: readonly BoundedMessage[];
} {
  const assembly = new MessageAssembly();
  const bounded = messages.flatMap((message) => [...boundedMessagesOf(unsent(message))]);
  for (const one of bounded) assert.ok(lengthOf(one) <= MAX_FRAME_BYTES_TO_WORKER, one.type);
  const taken = bounded.flatMap(
    (one) => assembly.take(JSON.parse(JSON.stringify(one)) as BoundedMessage) ?? [],
  );
  return { taken, bounded };
}

describe("bounded messages", () => {
  it("sends a rotation as one small message", () => {
    const rotation = prepareOf(1, { base: 6, listeners: [] });
    const { bounded, taken } = passed(rotation);
    assert.deepEqual(bounded, [rotation]);
    assert.ok(lengthOf(rotation) < 4_096, `${lengthOf(rotation)}`);
    assert.deepEqual(taken, [rotation]);
  });

  it("sends 10,000 certificates in parts", () => {
    const prepare = prepareOf(10_000);
    const { bounded, taken } = passed(prepare);
    assert.deepEqual(taken, [prepare]);
    const bytes = bounded.reduce((sum, message) => sum + lengthOf(message), 0);
    assert.ok(bytes < 1.02 * lengthOf(prepare) && bounded.length < 110, `${bounded.length}`);
    assert.equal(bounded.at(-1)?.type, "prepare");
  });

  it("reads each material when its part is written, and not before", () => {
    const { material, ...prepare } = prepareOf(1_000);
    const read: string[] = [];
    const reads = Object.entries(material).map(([id, value]) => {
      const readOne = (): Material => {
        read.push(id);
        return value;
      };
      return [id as MaterialId, readOne] as const;
    });
    let last = 0;
    for (const _ of boundedMessagesOf({ ...prepare, material: new Map(reads) })) {
      assert.ok(read.length - last < 200, `${read.length - last} at a time`);
      last = read.length;
    }
    assert.equal(new Set(read).size, 1_000);
    assert.equal(read.length, 1_000);
  });

  it("keeps apart a trial that opens no address and a prepare that opens all", () => {
    for (const more of [{}, { opensOnly: [] }, { opensOnly: ["front.shop:443" as ListenerName] }]) {
      for (const count of [1, 1_000]) {
        const prepare = prepareOf(count, more);
        assert.deepEqual(passed(prepare).taken, [prepare]);
      }
    }
  });

  for (const [what, character] of [
    ["letters", "x"],
    ["quotes", '"'],
    ["control characters", "\u0001"],
    ["surrogate pairs", "\u{1f600}"],
    ["halves of surrogate pairs", "\ud83d"],
  ] as const) {
    it(`sends a CA bundle with a megabyte of ${what} in pieces`, () => {
      const caPem = character.repeat(1_000_000 / character.length);
      const trust: Material = { kind: "trust", caPem, crlPem: undefined };
      const prepare = prepareOf(2, {
        material: { ["ca" as MaterialId]: trust },
      });
      const expected = { ...prepare, material: { ca: { kind: "trust", caPem } } };
      assert.deepEqual(passed(prepare).taken, [expected]);
    });
  }

  it("sends a listener with 10,000 long certificate names", () => {
    const certificates = numbers(10_000).map((at) => `${"a".repeat(60)}${at}`);
    const listener = { ...prepareOf(0).listeners[0], certificates } as unknown as SnapshotListener;
    const prepare = prepareOf(1, { listeners: [listener] });
    assert.deepEqual(passed(prepare).taken, [prepare]);
  });

  it("sends any other message that is too long in pieces", () => {
    const down = numbers(20_000).map((at) => `check 192.0.2.${at}:8080`);
    const messages: ToWorker[] = [
      { type: "health", down },
      { type: "commit", number: 7, standby: down },
      { type: "standby", profiles: [] },
    ];
    assert.deepEqual(passed(...messages).taken, messages);
  });

  it("forgets the parts of a change that was given up", () => {
    const [first] = boundedMessagesOf(unsent(prepareOf(1_000)));
    const assembly = new MessageAssembly();
    assert.equal(first?.type, "prepare-part");
    assert.equal(assembly.take(first), undefined);
    const next = { ...prepareOf(1), number: 8 };
    assert.deepEqual(assembly.take(next), next);
    const again = prepareOf(1);
    assert.deepEqual(assembly.take(again), again);
  });

  it("puts messages together whose pieces come between each other", () => {
    const messages = ["a", "b"].map((key): ToWorker => ({
      type: "health",
      down: [key.repeat(400_000)],
    }));
    const [one = [], other = []] = messages.map((message) => [
      ...boundedMessagesOf(unsent(message)),
    ]);
    const assembly = new MessageAssembly();
    const taken = one.flatMap((piece, at) => {
      const second = other[at];
      return [assembly.take(piece), second && assembly.take(second)].filter(
        (each) => each !== undefined,
      );
    });
    assert.deepEqual(taken, messages);
  });
});
