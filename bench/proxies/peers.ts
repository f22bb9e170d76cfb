import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cipherSuite, tlsVersion } from "../load/messages.ts";
import { outputOf, type ProxyBuild, type Site, type TlsProxy } from "./tls-proxy.ts";

export const peerNames = ["haproxy", "nginx", "hitch", "stunnel"] as const;
export type PeerName = (typeof peerNames)[number];

const idleTimeoutS = 300;

interface Peer {
  readonly packages: readonly string[];
  readonly versionOption: string;
  /** Reads the build from the output of the version option. Returns undefined if the build lacks a needed module. */
  readonly buildOf: (text: string) => ProxyBuild | undefined;
  readonly configurationOf: (site: Site) => string;
  readonly argsOf: (configurationPath: string, folder: string) => readonly string[];
}

const firstMatch = (pattern: RegExp, text: string): string => pattern.exec(text)?.[1] ?? "unknown";

const haproxy: Peer = {
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
  configurationOf: (site) => `global
  nbthread ${site.workers}
  maxconn ${site.maxConnections}
  ssl-default-bind-options ssl-min-ver ${tlsVersion}
  ssl-default-bind-ciphersuites ${cipherSuite}
  ssl-default-bind-curves ${site.groups.join(":")}
defaults
  mode tcp
  timeout connect 5s
  timeout client ${idleTimeoutS}s
  timeout server ${idleTimeoutS}s
listen bench
${site.listeners
  .map(({ virtualIp, port, keyType }) => {
    return `  bind ${virtualIp}:${port} ssl crt ${site.certificates[keyType].combinedPath}\n`;
  })
  .join("")}  server web-1 127.0.0.1:${site.endpointPort}
`,
};

/** Debian builds the stream module as a shared object. Other builds contain it, and then there is nothing to load. */
const streamModulePath = "/usr/lib/nginx/modules/ngx_stream_module.so";

const nginx: Peer = {
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
  configurationOf(site) {
    const files = site.maxConnections * 2 + site.listeners.length;
    const servers = site.listeners.map(
      ({ virtualIp, port, keyType }) => `  server {
    listen ${virtualIp}:${port} ssl;
    ssl_certificate ${site.certificates[keyType].chainPath};
    ssl_certificate_key ${site.certificates[keyType].keyPath};
    ssl_protocols ${tlsVersion};
    ssl_conf_command Ciphersuites ${cipherSuite};
    ssl_ecdh_curve ${site.groups.join(":")};
    tcp_nodelay on;
    proxy_timeout ${idleTimeoutS}s;
    proxy_pass 127.0.0.1:${site.endpointPort};
  }
`,
    );
    return `${existsSync(streamModulePath) ? `load_module ${streamModulePath};\n` : ""}daemon off;
worker_processes ${site.workers};
worker_rlimit_nofile ${files + 100};
pid ${site.folder}/nginx.pid;
events {
  worker_connections ${files};
}
stream {
${servers.join("")}}
`;
  },
};

const hitch: Peer = {
  packages: ["hitch"],
  versionOption: "-V",
  buildOf: (text) => ({
    version: firstMatch(/^hitch (\S+)/m, text),
    tlsLibrary: linkedTlsLibrary("hitch"),
  }),
  argsOf: (path) => [`--config=${path}`],
  configurationOf(site) {
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
  },
};

/** hitch does not print the version of its TLS library, so the version is read from the libcrypto that it is linked to. */
function linkedTlsLibrary(program: string): string {
  const programPath = outputOf("sh", ["-c", `command -v ${program}`])?.trim() ?? "";
  const path = /libcrypto\S* => (\S+)/.exec(outputOf("ldd", [programPath]) ?? "")?.[1];
  const text = path === undefined ? "" : readFileSync(path, "latin1");
  return /OpenSSL \d+\.\d+\.\d+/.exec(text)?.[0] ?? "unknown";
}

/** stunnel serves each connection with a thread of its own. */
const stunnel: Peer = {
  packages: ["stunnel4"],
  versionOption: "-version",
  buildOf: (text) => ({
    version: firstMatch(/^stunnel (\S+)/m, text),
    tlsLibrary: firstMatch(/^(?:Running|Compiled\/running) +with (\S+ \S+)/m, text),
  }),
  argsOf: (path) => [path],
  configurationOf(site) {
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
  },
};

const peers: Readonly<Record<PeerName, Peer>> = { haproxy, nginx, hitch, stunnel };

export function buildPeer(name: PeerName): TlsProxy {
  const { packages, versionOption, buildOf, configurationOf, argsOf } = peers[name];
  return {
    name,
    packages,
    hasWorkers: false,
    findBuild() {
      const text = outputOf(name, [versionOption]);
      return text === undefined ? undefined : buildOf(text);
    },
    prepare(site) {
      const configuration = configurationOf(site);
      const path = join(site.folder, `${name}.conf`);
      writeFileSync(path, configuration);
      return { program: name, args: argsOf(path, site.folder), configuration };
    },
  };
}
