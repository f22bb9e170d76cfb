import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cipherSuite, tlsVersion } from "../load/messages.ts";
import { caddyConfiguration } from "./caddy-configuration.ts";
import { haproxyConfiguration } from "./haproxy-configuration.ts";
import { nginxConfiguration, streamModulePath } from "./nginx-configuration.ts";
import {
  idleTimeoutS,
  outputOf,
  type BenchMode,
  type ProxyBuild,
  type Site,
  type TlsProxy,
} from "./tls-proxy.ts";

export const peerNames = [
  "haproxy",
  "haproxy-always",
  "nginx",
  "hitch",
  "stunnel",
  "caddy",
] as const;
export type PeerName = (typeof peerNames)[number];

interface Peer {
  readonly program: string;
  readonly packages: readonly string[];
  readonly versionOption: string;
  /** Reads the build from the output of the version option. Returns undefined if the build lacks a needed module. */
  readonly buildOf: (text: string) => ProxyBuild | undefined;
  /** A peer is measured only in these modes. */
  readonly modes: readonly BenchMode[];
  readonly configurationOf: (site: Site) => string;
  readonly argsOf: (configurationPath: string, folder: string) => readonly string[];
  readonly envOf?: (site: Site) => Readonly<Record<string, string>>;
}

const firstMatch = (pattern: RegExp, text: string): string => pattern.exec(text)?.[1] ?? "unknown";

const haproxy: Peer = {
  program: "haproxy",
  packages: ["haproxy"],
  versionOption: "-vv",
  buildOf(text) {
    const library = firstMatch(/^Running on \S+ version : (.+)$/m, text);
    return {
      version: firstMatch(/^HAProxy version (\S+)/m, text),
      // AWS-LC reports an old version of OpenSSL, followed by its own name in parentheses.
      tlsLibrary: /AWS-LC \S*\d/.exec(library)?.[0] ?? library.split(" ", 2).join(" "),
    };
  },
  argsOf: (path) => ["-db", "-f", path],
  modes: ["tcp", "http", "h2"],
  configurationOf: (site) => haproxyConfiguration(site, "safe"),
};

/** HAProxy sends also the first request of a client over a connection that may be about to close. */
const haproxyAlways: Peer = {
  ...haproxy,
  modes: ["http", "h2"],
  configurationOf: (site) => haproxyConfiguration(site, "always"),
};

const nginx: Peer = {
  program: "nginx",
  packages: ["nginx", "libnginx-mod-stream"],
  versionOption: "-V",
  buildOf(text) {
    if (!existsSync(streamModulePath) && !/--with-stream(?!\S)/.test(text)) return undefined;
    return {
      version: firstMatch(/nginx\/(\S+)/, text),
      tlsLibrary: firstMatch(/(?:running|built) with (\S+ \S+)/, text),
    };
  },
  argsOf: (path, folder) => ["-p", folder, "-e", join(folder, "error.log"), "-c", path],
  modes: ["tcp", "http", "h2"],
  configurationOf: nginxConfiguration,
};

const hitch: Peer = {
  program: "hitch",
  packages: ["hitch"],
  versionOption: "-V",
  buildOf: (text) => ({
    version: firstMatch(/^hitch (\S+)/m, text),
    tlsLibrary: linkedTlsLibrary("hitch"),
  }),
  argsOf: (path) => [`--config=${path}`],
  modes: ["tcp"],
  configurationOf: hitchConfiguration,
};

function hitchConfiguration(site: Site): string {
  const frontends = site.listeners.map(
    ({ virtualIp, port, keyType }) => `frontend = {
  host = "${virtualIp}"
  port = "${port}"
  pem-file = "${site.certificates[keyType].combinedPath}"
}
`,
  );
  // hitch refuses to run its workers as root.
  const user = process.getuid?.() === 0 ? 'user = "nobody"\n' : "";
  return `${frontends.join("")}backend = "[127.0.0.1]:${site.endpointPort}"
workers = ${site.workers}
backlog = 511
tls-protos = ${tlsVersion}
ciphersuites = "${cipherSuite}"
ecdh-curve = "${site.groups.join(":")}"
ocsp-dir = ""
log-level = 1
${user}`;
}

/** hitch does not print the version of its TLS library, so the version is read from the libcrypto that it is linked to. */
function linkedTlsLibrary(program: string): string {
  const programPath = outputOf("sh", ["-c", `command -v ${program}`])?.trim() ?? "";
  const path = /libcrypto\S* => (\S+)/.exec(outputOf("ldd", [programPath]) ?? "")?.[1];
  const text = path === undefined ? "" : readFileSync(path, "latin1");
  return /OpenSSL \d+\.\d+\.\d+/.exec(text)?.[0] ?? "unknown";
}

/** stunnel serves each connection with a thread of its own. */
const stunnel: Peer = {
  program: "stunnel",
  packages: ["stunnel4"],
  versionOption: "-version",
  buildOf: (text) => ({
    version: firstMatch(/^stunnel (\S+)/m, text),
    tlsLibrary: firstMatch(/^(?:Running|Compiled\/running) +with (\S+ \S+)/m, text),
  }),
  argsOf: (path) => [path],
  modes: ["tcp"],
  configurationOf: stunnelConfiguration,
};

function stunnelConfiguration(site: Site): string {
  const services = site.listeners.map(
    ({ virtualIp, port, keyType }) => `[${keyType}-${virtualIp}-${port}]
accept = ${virtualIp}:${port}
connect = 127.0.0.1:${site.endpointPort}
cert = ${site.certificates[keyType].combinedPath}
sslVersion = ${tlsVersion}
ciphersuites = ${cipherSuite}
curves = ${site.groups.join(":")}
TIMEOUTidle = ${idleTimeoutS}
`,
  );
  return `foreground = yes
pid =
syslog = no
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
${services.join("")}`;
}

const caddy: Peer = {
  program: "caddy",
  packages: ["caddy"],
  versionOption: "version",
  buildOf: (text) => ({ version: firstMatch(/^v?(\d\S*)/, text), tlsLibrary: "Go crypto/tls" }),
  argsOf: (path) => ["run", "--config", path, "--adapter", "caddyfile"],
  envOf: ({ folder, workers }) => ({
    ...{ XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
    GOMAXPROCS: String(workers),
  }),
  modes: ["http", "h2"],
  configurationOf: caddyConfiguration,
};

const peers: Readonly<Record<PeerName, Peer>> = {
  haproxy,
  "haproxy-always": haproxyAlways,
  nginx,
  hitch,
  stunnel,
  caddy,
};

export function buildPeer(name: PeerName): TlsProxy {
  const { program, packages, versionOption, buildOf, modes, argsOf, envOf, configurationOf } =
    peers[name];
  return {
    name,
    packages,
    modes,
    hasWorkers: false,
    findBuild() {
      const text = outputOf(program, [versionOption]);
      return text === undefined ? undefined : buildOf(text);
    },
    prepare(site) {
      const configuration = configurationOf(site);
      const path = join(site.folder, `${name}.conf`);
      writeFileSync(path, configuration);
      const args = argsOf(path, site.folder);
      return { program, args, ...(envOf && { env: envOf(site) }), configuration };
    },
  };
}
