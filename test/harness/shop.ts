import type { ConnectionRecord } from "#model/records/connection-record.ts";
import { uniqueVirtualIp } from "./addresses.ts";
import { eventually } from "./deadline.ts";
import { startDirector, type Director } from "./director.ts";
import type { Engine } from "./engines.ts";
import { isEvent } from "./log-capture.ts";
import { openFileCount } from "./process-facts.ts";
import type { Labels } from "./prometheus-text.ts";
import { shopDocument } from "./shop-document.ts";
import type { FileContents } from "./temp-folder.ts";
import { createTestCa, type TestCa } from "./test-ca.ts";
import { tlsConnect, type TlsClient, type TlsConnectOptions } from "./tls-client.ts";

const firstPort = 8443;

export interface ShopSettings<Name extends string> {
  readonly engine: Engine;
  /** The default is one worker, so that all clients see the same worker. */
  readonly workers?: number;
  /** The test chooses the names. Each listener gets certificate `shop`, the access log and a port. */
  readonly listeners: Readonly<Record<Name, object>>;
  /** The default is one server, `web` on 127.0.0.1. */
  readonly servers?: Readonly<Record<string, string>>;
  readonly profile?: object;
  /** Added to the vNIC, e.g. `qos`. */
  readonly vnic?: object;
  readonly more?: object;
  readonly files?: FileContents;
  /** The start of the command line, e.g. a program that sets limits and then runs the director. */
  readonly prefix?: readonly string[];
  /** Whether `prefix` sends the log to where the harness does not see it. */
  readonly logsElsewhere?: boolean;
  /** main.ts of a copy of the program. */
  readonly program?: string;
  /** An existing folder. The default is a new one. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly extraArgs?: readonly string[];
  /** Flags of the Node that runs the control process. */
  readonly nodeFlags?: readonly string[];
}

interface ShopListener {
  readonly port: number;
}

/** A director whose one vNIC, `front.shop`, has the listeners that a test names, and what its clients need. */
export class Shop<Name extends string> {
  readonly director: Director;
  readonly ca: TestCa;
  readonly ip: string;
  /** The document of the start. A test changes a copy of it and gives the copy to `director.reload`. */
  readonly document: object;
  readonly #listeners: ReadonlyMap<Name, ShopListener>;
  /** How long the log was when a client connected: ports come again. */
  readonly #linesBefore = new WeakMap<TlsClient, number>();

  constructor(
    director: Director,
    ca: TestCa,
    ip: string,
    document: object,
    listeners: ReadonlyMap<Name, ShopListener>,
  ) {
    this.director = director;
    this.ca = ca;
    this.ip = ip;
    this.document = document;
    this.#listeners = listeners;
  }

  /** The listener as the document has it. */
  listener(name: Name): ShopListener {
    const listener = this.#listeners.get(name);
    if (listener === undefined) throw new Error(`there is no listener ${name}`);
    return listener;
  }

  portOf(listener: Name): number {
    return this.listener(listener).port;
  }

  /** The options of a client that trusts the test CA. */
  clientOf(listener: Name): TlsConnectOptions {
    return {
      host: this.ip,
      port: this.portOf(listener),
      ca: this.ca.certificatePem,
      servername: "shop.example",
    };
  }

  async connect(listener: Name, options: TlsConnectOptions = {}): Promise<TlsClient> {
    const from = this.director.logs.length;
    const client = await tlsConnect({ ...this.clientOf(listener), ...options });
    this.#linesBefore.set(client, from);
    return client;
  }

  /** Reloads the document with other settings of the profile, and `more`, which stay for the tests that follow. */
  async setProfile(settings: object, more: object = {}): Promise<void> {
    const { document } = this;
    const { shop } = (document as { readonly profiles: { readonly shop: object } }).profiles;
    const changed = { ...document, profiles: { shop: { ...shop, ...settings } }, ...more };
    const { outcome, line } = await this.director.reload(changed);
    if (outcome === "refused") throw new Error(`the profile is refused: ${JSON.stringify(line)}`);
  }

  /** The access line of a client's connection, once it has ended. */
  async recordOf(client: TlsClient, deadlineMs = 10_000): Promise<ConnectionRecord> {
    const line = await this.director.waitForLog(
      (candidate) =>
        isEvent(candidate, "connection") && candidate["clientPort"] === client.clientPort,
      deadlineMs,
      this.#linesBefore.get(client),
    );
    return line as unknown as ConnectionRecord;
  }

  /** The pid of the first worker. */
  async workerPid(): Promise<number> {
    const [pid] = await this.director.workerPids();
    if (pid === undefined) throw new Error("there is no worker");
    return pid;
  }

  /** Resolves when a metric of one listener, or of all, has the value: workers count once a second. */
  async untilMetric(
    name: string,
    value: number,
    labels: Labels = {},
    listener?: Name,
  ): Promise<void> {
    const wanted =
      listener === undefined
        ? labels
        : { ...labels, listener: `front.shop:${this.portOf(listener)}` };
    let seen = Number.NaN;
    await eventually(
      async () => {
        seen = (await this.director.metrics()).sum(name, wanted);
        return seen === value;
      },
      10_000,
      () => `${name} ${JSON.stringify(wanted)} is ${seen}, to become ${value}`,
    );
  }

  /** Resolves when the director serves no connection. */
  untilNoneOpen(): Promise<void> {
    return this.untilMetric("tlsd_connections_open", 0);
  }

  /** Resolves when the first worker has no more open files than `base`. */
  async untilOpenFiles(base: number, deadlineMs = 10_000): Promise<void> {
    const pid = await this.workerPid();
    const say = (): string => `${openFileCount(pid)} open files, down to ${base}`;
    await eventually(() => openFileCount(pid) <= base, deadlineMs, say);
  }
}

export async function startShop<Name extends string>(
  settings: ShopSettings<Name>,
): Promise<Shop<Name>> {
  const ca = await createTestCa();
  const issued = await ca.issue({ names: ["shop.example"] });
  const ip = uniqueVirtualIp();
  const names = Object.keys(settings.listeners) as Name[];
  const listeners = new Map(
    names.map((name, at) => [
      name,
      {
        port: firstPort + at,
        certificates: ["shop"],
        accessLog: "full",
        ...settings.listeners[name],
      },
    ]),
  );
  const document = shopDocument({
    ip,
    servers: settings.servers ?? { web: "127.0.0.1" },
    to: 0,
    vnic: { listeners: [...listeners.values()], ...settings.vnic },
    ...(settings.profile === undefined ? {} : { profile: settings.profile }),
    ...(settings.more === undefined ? {} : { more: settings.more }),
  });
  const director = await startDirector({
    document,
    engine: settings.engine,
    workers: settings.workers ?? 1,
    ...(settings.prefix === undefined ? {} : { prefix: settings.prefix }),
    logsElsewhere: settings.logsElsewhere ?? false,
    ...(settings.program === undefined ? {} : { program: settings.program }),
    ...(settings.folder === undefined ? {} : { folder: settings.folder }),
    ...(settings.env === undefined ? {} : { env: settings.env }),
    ...(settings.extraArgs === undefined ? {} : { extraArgs: settings.extraArgs }),
    ...(settings.nodeFlags === undefined ? {} : { nodeFlags: settings.nodeFlags }),
    files: { ...settings.files, "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
  });
  return new Shop(director, ca, ip, document, listeners);
}
