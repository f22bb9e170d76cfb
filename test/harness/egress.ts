import { TLSSocket, type TlsOptions } from "node:tls";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import { uniqueVirtualIp } from "./addresses.ts";
import { startDirector, type Director } from "./director.ts";
import { startEndpoint, type Behaviour, type Endpoint } from "./endpoint.ts";
import type { Engine } from "./engines.ts";
import { isEvent } from "./log-capture.ts";
import type { RawConnectOptions } from "./socket-client.ts";
import type { FileContents } from "./temp-folder.ts";
import { startWireTap, type WireTap } from "./wire-tap.ts";

/** A remote host, and the egress listener that leads to it. */
export interface RemoteSettings {
  /** The default is a TLS server that reports its view of the connection and then echoes. */
  readonly endpoint?: () => Promise<Endpoint>;
  readonly tls?: TlsOptions;
  /** The address on which the remote listens. The default is an address of its own. */
  readonly host?: string;
  /** How the document calls it; its address, unless told. */
  readonly name?: string;
  readonly endpointTls?: object;
  /** Added to the listener. */
  readonly listener?: object;
}

interface Remote {
  readonly port: number;
  readonly endpoint: Endpoint;
  /** Stands before the remote and sees what the director sends. */
  readonly tap: WireTap;
}

export interface EgressSettings<Name extends string> {
  readonly engine: Engine;
  readonly remotes: Readonly<Record<Name, RemoteSettings>>;
  /** Peers besides the profile's servers that may use every listener. */
  readonly allowFrom?: readonly string[];
  readonly files?: FileContents;
  readonly env?: Readonly<Record<string, string>>;
  /** Added to the document, e.g. `certificates`. */
  readonly more?: object;
}

/** A director with an egress listener for each remote that a test names. */
export class Egress<Name extends string> {
  readonly director: Director;
  readonly ip: string;
  /** The servers of the profile, and one of another profile. */
  readonly servers: Readonly<Record<"web" | "standby" | "other", string>>;
  readonly #remotes: ReadonlyMap<Name, Remote>;

  constructor(
    director: Director,
    ip: string,
    servers: Readonly<Record<"web" | "standby" | "other", string>>,
    remotes: ReadonlyMap<Name, Remote>,
  ) {
    this.director = director;
    this.ip = ip;
    this.servers = servers;
    this.#remotes = remotes;
  }

  remote(name: Name): Remote {
    const remote = this.#remotes.get(name);
    if (remote === undefined) throw new Error(`there is no remote ${name}`);
    return remote;
  }

  /** Where a server connects to reach that remote; it does so from its own address. */
  to(name: Name, localAddress: string = this.servers.web): RawConnectOptions {
    return { host: this.ip, port: this.remote(name).port, localAddress };
  }

  /** The access line of the connection from that port to a remote, once it has ended. */
  async recordOf(name: Name, clientPort: number): Promise<ConnectionRecord> {
    const listener = `out.shop:${this.remote(name).port}`;
    const line = await this.director.waitForLog(
      (candidate) =>
        isEvent(candidate, "connection") &&
        candidate["listener"] === listener &&
        candidate["clientPort"] === clientPort,
      15_000,
    );
    return line as unknown as ConnectionRecord;
  }
}

/** What a remote sees of its TLS connection, which it says in a line of JSON before it sends back what it gets. */
export interface RemoteView {
  /** The server name of SNI, or false if there was none. */
  readonly servername: string | false;
  readonly protocol: string;
  readonly isClientVerified: boolean;
  /** Common name of the certificate that it was shown. */
  readonly clientName?: string;
}

const sayAndEcho: Behaviour = (socket) => {
  socket.on("error", () => undefined);
  if (socket instanceof TLSSocket) socket.write(`${JSON.stringify(viewOf(socket))}\n`);
  socket.pipe(socket);
};

function viewOf(socket: TLSSocket): RemoteView {
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return {
    // The types of Node lack this property.
    servername: (socket as { servername?: string | false }).servername ?? false,
    protocol: socket.getProtocol() ?? "none",
    isClientVerified: socket.authorized,
    ...(typeof name === "string" ? { clientName: name } : {}),
  };
}

export async function startEgress<Name extends string>(
  settings: EgressSettings<Name>,
): Promise<Egress<Name>> {
  const ip = uniqueVirtualIp();
  const servers = {
    web: uniqueVirtualIp(),
    standby: uniqueVirtualIp(),
    other: uniqueVirtualIp(),
  };
  const remotes = new Map<Name, Remote>();
  const listeners: object[] = [];
  for (const name of Object.keys(settings.remotes) as Name[]) {
    const { tls, listener, endpointTls, ...rest } = settings.remotes[name];
    const port = 9000 + listeners.length;
    const host = rest.host ?? uniqueVirtualIp();
    // oxlint-disable-next-line no-await-in-loop
    const endpoint = await (rest.endpoint?.() ??
      startEndpoint(sayAndEcho, { host, ...(tls === undefined ? {} : { tls }) }));
    // oxlint-disable-next-line no-await-in-loop
    const tap = await startWireTap(endpoint, { host });
    remotes.set(name, { port, endpoint, tap });
    const shown = rest.name ?? (host.includes(":") ? `[${host}]` : host);
    listeners.push({
      port,
      mode: "egress",
      to: `${shown}:${tap.endpoint.port}`,
      accessLog: "full",
      allowFrom: settings.allowFrom ?? [],
      ...(endpointTls === undefined ? {} : { endpointTls }),
      ...listener,
    });
  }
  const director = await startDirector({
    document: {
      servers: Object.fromEntries(
        Object.entries(servers).map(([name, address]) => [name, { address }]),
      ),
      profiles: {
        shop: { servers: ["web"], standby: ["standby"], vnics: { out: { ip, listeners } } },
        elsewhere: { servers: ["other"] },
      },
      ...settings.more,
    },
    engine: settings.engine,
    workers: 1,
    files: settings.files ?? {},
    env: settings.env ?? {},
  });
  return new Egress(director, ip, servers, remotes);
}
