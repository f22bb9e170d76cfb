import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cipherSuite, tlsVersion } from "../load/terms.ts";
import { tryRunVersionCommand } from "./run-version-command.ts";
import { idleTimeoutS, type Site, type SiteListener, type Subject } from "./subject.ts";

/** Debian builds the stream module as a shared object; where it is compiled in, there is nothing to load. */
const streamModulePath = "/usr/lib/nginx/modules/ngx_stream_module.so";

export const nginx: Subject = {
  name: "nginx",
  packages: ["nginx", "libnginx-mod-stream"],
  virtualIp: "127.0.1.51",
  hasWorkers: false,

  tryBuild() {
    const text = tryRunVersionCommand("nginx", ["-V"]);
    const hasStream = existsSync(streamModulePath) || /--with-stream(?!\S)/.test(text ?? "");
    if (text === undefined || !hasStream) {
      return undefined;
    }
    return {
      version: /nginx\/(\S+)/.exec(text)?.[1] ?? "unknown",
      tlsLibrary: /(?:running|built) with (\S+ \S+)/.exec(text)?.[1] ?? "unknown",
    };
  },

  prepare(site) {
    const configuration = configurationOf(site);
    const path = join(site.folder, "nginx.conf");
    writeFileSync(path, configuration);
    const errorLog = join(site.folder, "error.log");
    return {
      program: "nginx",
      args: ["-p", site.folder, "-e", errorLog, "-c", path],
      configuration,
    };
  },
};

function configurationOf(site: Site): string {
  const loadModule = existsSync(streamModulePath) ? `load_module ${streamModulePath};\n` : "";
  const files = site.maxConnections * 2 + site.listeners.length;
  const servers = site.listeners.map((listener) => serverOf(site, listener));
  return `${loadModule}daemon off;
worker_processes ${site.workers};
worker_rlimit_nofile ${files + 100};
pid ${site.folder}/nginx.pid;
events {
  worker_connections ${files};
}
stream {
${servers.join("")}}
`;
}

function serverOf(site: Site, { virtualIp, port, keyType }: SiteListener): string {
  const certificate = site.certificates[keyType];
  return `  server {
    listen ${virtualIp}:${port} ssl;
    ssl_certificate ${certificate.chainPath};
    ssl_certificate_key ${certificate.keyPath};
    ssl_protocols ${tlsVersion};
    ssl_conf_command Ciphersuites ${cipherSuite};
    ssl_ecdh_curve ${site.groups.join(":")};
    tcp_nodelay on;
    proxy_timeout ${idleTimeoutS}s;
    proxy_pass 127.0.0.1:${site.endpointPort};
  }
`;
}
