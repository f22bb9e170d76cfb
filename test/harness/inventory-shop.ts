import assert from "node:assert/strict";
import type { CertificateVersionShape } from "#model/records/certificate-version.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { uniqueVirtualIp } from "./addresses.ts";
import type { ApiReply } from "./admin-client.ts";
import { startDirector, type Director } from "./director.ts";
import { startHttpEndpoint } from "./endpoints.ts";
import type { Engine } from "./engines.ts";
import type { Faults } from "./faulty-director.ts";
import { servedText, visit } from "./recorded-handshake.ts";
import { shopDocument } from "./shop-document.ts";
import { createTestCa, type IssuedCertificate, type IssueOptions, type TestCa } from "./test-ca.ts";

const changeMs = 20_000;

export interface InventoryShopOptions {
  readonly engine: Engine;
  readonly workers?: number;
  /** What makes the control process fail at a call. */
  readonly launch?: Faults["launch"];
  readonly env?: Readonly<Record<string, string>>;
  /** Added to `director` of the document. */
  readonly settings?: object;
  /** Names of further certificates of the listener, each in the inventory. */
  readonly others?: readonly string[];
}

/** One certificate of the shop, for the name `<certificate>.example`. */
export interface ShopCertificate {
  readonly rotate: string;
  readonly rollback: string;
  readonly path: string;
  issue(options?: Partial<IssueOptions>): Promise<IssuedCertificate>;
  states(): Promise<readonly string[]>;
  servedSerial(): Promise<string>;
}

/** The files of a version as a request has them. */
export const filesOf = ({ chainPem, keyPem }: Pick<IssuedCertificate, "chainPem" | "keyPem">) => [
  { name: "shop.pem", text: chainPem },
  { name: "shop.key", text: keyPem },
];

const startOf = (
  { engine, workers = 1, launch, env = {} }: InventoryShopOptions,
  document: object,
) => ({
  ...{ engine, workers, document, env },
  ...launch,
});

/** A director whose listener serves certificates of the inventory, which has none at the first start. */
export class InventoryShop {
  readonly ca: TestCa;
  readonly ip: string;
  readonly document: object;
  readonly #options: InventoryShopOptions;
  director: Director;

  private constructor(
    director: Director,
    parts: Pick<InventoryShop, "ca" | "ip" | "document">,
    options: InventoryShopOptions,
  ) {
    this.director = director;
    this.ca = parts.ca;
    this.ip = parts.ip;
    this.document = parts.document;
    this.#options = options;
  }

  static async start(options: InventoryShopOptions): Promise<InventoryShop> {
    const endpoint = await startHttpEndpoint(servedText);
    const ip = uniqueVirtualIp();
    const names = ["shop", ...(options.others ?? [])];
    const document = shopDocument({
      ip,
      servers: { web: endpoint.host },
      to: endpoint.port,
      listener: { certificates: names },
      more: {
        director: { orphanGrace: "200ms", drain: "200ms", ...options.settings },
        certificates: Object.fromEntries(names.map((name) => [name, { source: "inventory" }])),
      },
    });
    const director = await startDirector(startOf(options, document));
    return new InventoryShop(director, { ca: await createTestCa(), ip, document }, options);
  }

  /** Starts it again in the same folder, after it has ended. */
  async startAgain(): Promise<void> {
    const { document } = this;
    const { dir: folder } = this.director;
    this.director = await startDirector({ ...startOf(this.#options, document), folder });
  }

  issue(options: Partial<IssueOptions> = {}): Promise<IssuedCertificate> {
    return this.ca.issue({ names: ["shop.example"], ...options });
  }

  /** A certificate of `others`, so that several scenarios can use one director. */
  certificate(name: string): ShopCertificate {
    const path = `certificates/${name}`;
    const names = [`${name}.example`];
    return {
      ...{ path, rotate: `${path}/rotate`, rollback: `${path}/rollback` },
      issue: (options = {}) => this.issue({ names, ...options }),
      states: () => this.states(name),
      servedSerial: () => this.servedSerial(`${name}.example`),
    };
  }

  post(path: string, body?: unknown): Promise<ApiReply> {
    const { director } = this;
    return director.api(`/v1/${path}`, { method: "POST", body, deadlineMs: changeMs });
  }

  /** A request that must succeed. */
  async do(path: string, body?: unknown): Promise<ChangeReply> {
    const { status, body: reply } = await this.post(path, body);
    assert.equal(status, 200, JSON.stringify(reply));
    return reply as ChangeReply;
  }

  /** A request that must be refused. Resolves to the codes of the failure and of its problems. */
  async refusal(path: string, body?: unknown): Promise<string> {
    const { status, body: reply } = await this.post(path, body);
    assert.ok(status >= 400, JSON.stringify(reply));
    const { code, problems = [] } = reply as {
      readonly code: string;
      readonly problems?: readonly { readonly code: string; readonly severity: string }[];
    };
    const errors = problems.filter(({ severity }) => severity === "error");
    return [code, ...errors.map((problem) => problem.code)].join(" ");
  }

  async versions(name = "shop"): Promise<readonly CertificateVersionShape[]> {
    const { body } = await this.director.api(`/v1/certificates/${name}/versions`);
    return body as readonly CertificateVersionShape[];
  }

  /** One text for each version, the newest first, such as `2 active`. */
  async states(name = "shop"): Promise<readonly string[]> {
    return (await this.versions(name)).map(({ id, state }) => `${id} ${state}`);
  }

  /** Why the list of certificates says that it needs attention, as codes. */
  async attention(name = "shop"): Promise<readonly string[]> {
    const { body } = await this.director.api("/v1/certificates");
    const found = (body as readonly CertificateStatus[]).find((one) => one.name === name);
    return (found?.attention ?? []).map(({ code }) => code);
  }

  /** The serial number that a new client is shown. */
  async servedSerial(servername = "shop.example"): Promise<string> {
    const client = { host: this.ip, port: 8443, ca: this.ca.certificatePem, servername };
    const { facts } = await visit(client);
    return facts.peerCertificate.serialNumber.toLowerCase();
  }
}
