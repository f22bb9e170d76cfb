import assert from "node:assert/strict";
import { uniqueVirtualIp } from "./addresses.ts";
import { startDirector, type Director } from "./director.ts";
import { startHttpEndpoint } from "./endpoints.ts";
import type { Engine } from "./engines.ts";
import { shownSerials } from "./many-clients.ts";
import { servedText } from "./recorded-handshake.ts";
import { shopDocument } from "./shop-document.ts";
import { rawConnect } from "./socket-client.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "./test-ca.ts";
import type { TlsConnectOptions } from "./tls-client.ts";

export type Phase = "old" | "new";
type Reloading = ReturnType<Director["reload"]>;

const ports = { old: 8443, new: 9443 } as const;
const other = { old: "new", new: "old" } as const;

/**
 * A director of two workers whose document goes back and forth between two: another certificate on another port, so that
 * each handshake tells which of them it was made under.
 */
export class SwitchingShop {
  readonly director: Director;
  readonly #ip: string;
  readonly #ca: TestCa;
  readonly #issued: Readonly<Record<Phase, IssuedCertificate>>;
  readonly #documentOf: (phase: Phase) => object;
  #now: Phase = "old";

  constructor(
    director: Director,
    ip: string,
    ca: TestCa,
    issued: Readonly<Record<Phase, IssuedCertificate>>,
    documentOf: (phase: Phase) => object,
  ) {
    this.director = director;
    this.#ip = ip;
    this.#ca = ca;
    this.#issued = issued;
    this.#documentOf = documentOf;
  }

  /** The state that is in force. */
  get now(): Phase {
    return this.#now;
  }

  get next(): Phase {
    return other[this.#now];
  }

  clientOf(phase: Phase): TlsConnectOptions {
    const trust = { ca: this.#ca.certificatePem, servername: "shop.example" };
    return { host: this.#ip, port: ports[phase], ...trust };
  }

  /** The base of a test, whatever the one before it has left. */
  async reset(deadlineMs: number): Promise<void> {
    const { outcome, line } = await this.director.reload(this.#documentOf("old"), deadlineMs);
    assert.notEqual(outcome, "refused", JSON.stringify(line));
    this.#now = "old";
  }

  /** Asks for the other document. */
  reload(deadlineMs: number): Reloading {
    return this.director.reload(this.#documentOf(this.next), deadlineMs);
  }

  /** The change must be applied; from the moment when it is answered on, only the other document is in force. */
  async settle(reloading: Reloading): Promise<void> {
    const { outcome, line } = await reloading;
    assert.equal(outcome, "applied", JSON.stringify(line));
    this.#now = this.next;
    await this.assertInForce();
  }

  /** Every new handshake shows the certificate of the document in force, on its port; the other port is closed. */
  async assertInForce(): Promise<void> {
    const serials = await shownSerials(this.clientOf(this.#now));
    assert.deepEqual(serials, [this.#issued[this.#now].serial]);
    await assert.rejects(rawConnect(this.clientOf(this.next)), { code: "ECONNREFUSED" });
  }
}

export async function startSwitchingShop(engine: Engine): Promise<SwitchingShop> {
  const ca = await createTestCa();
  const endpoint = await startHttpEndpoint(servedText);
  const ip = uniqueVirtualIp();
  const issue = (): Promise<IssuedCertificate> => ca.issue({ names: ["shop.example"] });
  const issued = { old: await issue(), new: await issue() };
  const pathsOf = (name: Phase): object => ({ chain: `${name}.pem`, key: `${name}.key` });
  const certificates = { old: pathsOf("old"), new: pathsOf("new") };
  const documentOf = (phase: Phase): object =>
    shopDocument({
      ip,
      port: ports[phase],
      servers: { web: endpoint.host },
      to: endpoint.port,
      listener: { certificates: [phase] },
      more: { certificates },
    });
  const files = {
    "old.pem": issued.old.chainPem,
    "old.key": issued.old.keyPem,
    "new.pem": issued.new.chainPem,
    "new.key": issued.new.keyPem,
  };
  const director = await startDirector({ document: documentOf("old"), engine, files });
  return new SwitchingShop(director, ip, ca, issued, documentOf);
}
