import assert from "node:assert/strict";
import { it } from "node:test";
import type { KeyEncryption } from "./key-encryption.ts";
import { KeyWork, MAX_ITERATIONS } from "./key-work.ts";

const pbkdf2 = (iterations: number) => ({ kind: "pbkdf2", iterations }) as const;
const pkcs12 = (iterations: number) => ({ kind: "pkcs12", iterations }) as const;

it("all parts of an import share one budget of work", () => {
  const codeOf = (
    work: KeyWork,
    encryption: Parameters<KeyWork["tryRefuse"]>[0],
    blocks?: number,
  ) => work.tryRefuse(encryption, "certificates.shop", blocks)?.code;
  const work = new KeyWork();
  assert.equal(codeOf(work, pbkdf2(3_000_000)), undefined);
  assert.equal(codeOf(work, pbkdf2(3_000_000)), "key-cost");
  assert.equal(codeOf(new KeyWork(), pbkdf2(MAX_ITERATIONS)), undefined);
  assert.equal(codeOf(new KeyWork(), pbkdf2(MAX_ITERATIONS + 1)), "key-cost");
  assert.equal(codeOf(new KeyWork(), pkcs12(1_000_000)), undefined);
  assert.equal(codeOf(new KeyWork(), pkcs12(1_000_000), 3), "key-cost");
  const scrypt = { kind: "scrypt", cost: 16_384 * 8, memoryBytes: 16 * 1024 * 1024 } as const;
  assert.equal(codeOf(new KeyWork(), scrypt), undefined);
  assert.equal(codeOf(new KeyWork(), { ...scrypt, cost: 3_000_000 }), "key-cost");
  assert.equal(codeOf(new KeyWork(), { ...scrypt, memoryBytes: 2 ** 26 }), "key-cost");
  assert.equal(codeOf(new KeyWork(), { ...scrypt, cost: NaN }), "key-cost");
  const weak: KeyEncryption = { kind: "unsupported", name: "DES" };
  assert.equal(codeOf(new KeyWork(), weak), "encryption-unsupported");
});

it("Firefox writes 600,000 iterations for MAC, certificates and key, which may be opened", () => {
  const work = new KeyWork();
  for (const encryption of [pkcs12(600_000), pbkdf2(600_000), pbkdf2(600_000)]) {
    assert.equal(work.tryRefuse(encryption, ""), undefined);
  }
});
