import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";

/** Each waits for threads of the pool. */
const issuedAtOnce = 4;
/** A director and HAProxy read the same certificates, each in its own form. */
const files = { chain: "chain.pem", key: "key.pem", both: "both.pem" } as const;

export interface SiteOptions {
  readonly folder: string;
  readonly count: number;
  readonly virtualIp: string;
  readonly port: number;
  readonly endpointPort: number;
}

/** Many certificates of one listener, with three names each. */
export class CertificateSite {
  readonly options: SiteOptions;
  readonly #ca: TestCa;

  private constructor(options: SiteOptions, ca: TestCa) {
    this.options = options;
    this.#ca = ca;
  }

  static async make(options: SiteOptions): Promise<CertificateSite> {
    const site = new CertificateSite(options, await createTestCa());
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < options.count) {
        next += 1;
        await site.renew(next - 1);
      }
    };
    await Promise.all(Array.from({ length: issuedAtOnce }, work));
    writeFileSync(site.documentPath, JSON.stringify(site.#document()));
    writeFileSync(site.crtListPath, site.#crtList());
    return site;
  }

  get caPem(): string {
    return this.#ca.certificatePem;
  }

  get documentPath(): string {
    return join(this.options.folder, "director.yaml");
  }

  /** The list of certificates of HAProxy. */
  get crtListPath(): string {
    return join(this.options.folder, "crt-list.txt");
  }

  /** The certificate of the inventory, which has no version at the start. */
  readonly keptName = "kept";

  /** A server that no profile names, so that a change of it affects no client. */
  readonly spareServer = "spare";

  nameOf(at: number): string {
    return `site-${at}`;
  }

  serverNamesOf(at: number): readonly string[] {
    return ["", "www.", "*.static."].map((prefix) => `${prefix}site-${at}.example.org`);
  }

  /** Returns the path of the file with certificate and key, as HAProxy reads it. */
  bothPathOf(at: number): string {
    return join(this.#folderOf(at), files.both);
  }

  /** Replaces the files of a certificate. */
  async renew(at: number): Promise<IssuedCertificate> {
    const issued = await this.issue(at);
    const folder = this.#folderOf(at);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, files.key), issued.keyPem, { mode: 0o600 });
    writeFileSync(join(folder, files.chain), issued.chainPem);
    writeFileSync(join(folder, files.both), issued.chainPem + issued.keyPem, { mode: 0o600 });
    return issued;
  }

  /** Issues a certificate with the names of this one and leaves the files as they are. */
  issue(at: number): Promise<IssuedCertificate> {
    return this.#ca.issue({ names: this.serverNamesOf(at) });
  }

  /** Issues a certificate for the inventory, as the body of a request. */
  async issueKept(): Promise<object> {
    const { chainPem, keyPem } = await this.#ca.issue({ names: ["kept.example.org"] });
    return {
      files: [
        { name: files.chain, text: chainPem },
        { name: files.key, text: keyPem },
      ],
    };
  }

  /** As certbot does, each certificate has a folder of its own. */
  #folderOf(at: number): string {
    return join(this.options.folder, "live", this.nameOf(at));
  }

  #document(): object {
    const { count, virtualIp, port, endpointPort } = this.options;
    const places = Array.from({ length: count }, (_, at) => at);
    // A listener has at most 10,000 certificates, so that of the inventory takes the place of the last one.
    const certificates = [...places.slice(0, -1).map((at) => this.nameOf(at)), this.keptName];
    const fileOf = (at: number, file: string): string => join(this.#folderOf(at), file);
    return {
      director: { endpoints: { allow: ["127.0.0.0/8"] } },
      servers: { web: { address: "127.0.0.1" }, [this.spareServer]: { address: "127.0.0.2" } },
      profiles: {
        sites: {
          servers: ["web"],
          vnics: {
            front: {
              ip: virtualIp,
              listeners: [{ port, to: endpointPort, certificates }],
            },
          },
        },
      },
      certificates: {
        ...Object.fromEntries(
          places.map((at) => [
            this.nameOf(at),
            { chain: fileOf(at, files.chain), key: fileOf(at, files.key) },
          ]),
        ),
        [this.keptName]: { source: "inventory" },
      },
    };
  }

  #crtList(): string {
    const paths = Array.from({ length: this.options.count }, (_, at) => this.bothPathOf(at));
    return `${paths.join("\n")}\n`;
  }
}
