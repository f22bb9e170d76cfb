import { existsSync } from "node:fs";
import { cipherSuite, tlsVersion } from "../load/messages.ts";
import { idleTimeoutS, pooledConnections, type Site } from "./tls-proxy.ts";

/** Debian builds the stream module as a shared object. Other builds contain it, and then there is nothing to load. */
export const streamModulePath = "/usr/lib/nginx/modules/ngx_stream_module.so";
/** nginx closes a connection after 1,000 requests by default, in the middle of a run. */
const unlimitedRequests = 100_000_000;

export function nginxConfiguration(site: Site): string {
  const files = site.maxConnections * 2 + site.listeners.length;
  const isStream = site.mode === "tcp";
  return `${isStream && existsSync(streamModulePath) ? `load_module ${streamModulePath};\n` : ""}daemon off;
worker_processes ${site.workers};
worker_rlimit_nofile ${files + 100};
pid ${site.folder}/nginx.pid;
events {
  worker_connections ${files};
}
${isStream ? "stream" : "http"} {
${isStream ? "" : httpLines(site)}${serversOf(site).join("")}}
`;
}

const serversOf = ({ mode, listeners, certificates, groups, endpointPort }: Site): string[] =>
  listeners.map(
    ({ virtualIp, port, keyType }) => `  server {
    listen ${virtualIp}:${port} ssl${mode === "h2" ? " http2" : ""};
    ssl_certificate ${certificates[keyType].chainPath};
    ssl_certificate_key ${certificates[keyType].keyPath};
    ssl_protocols ${tlsVersion};
    ssl_conf_command Ciphersuites ${cipherSuite};
    ssl_ecdh_curve ${groups.join(":")};
${mode === "tcp" ? streamLines(endpointPort) : locationLines}  }
`,
  );

const streamLines = (endpointPort: number): string => `    tcp_nodelay on;
    proxy_timeout ${idleTimeoutS}s;
    proxy_pass 127.0.0.1:${endpointPort};
`;

const locationLines = `    location / {
      proxy_pass http://endpoint;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection $forwarded_connection;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-Id $request_id;
    }
`;

const httpLines = ({ folder, hasAccessLog, endpointPort }: Site): string =>
  `  access_log ${hasAccessLog ? `${folder}/access.log` : "off"};
  keepalive_timeout ${idleTimeoutS}s;
  keepalive_requests ${unlimitedRequests};
  map $http_upgrade $forwarded_connection {
    default upgrade;
    "" "";
  }
  upstream endpoint {
    server 127.0.0.1:${endpointPort};
    keepalive ${pooledConnections};
    keepalive_requests ${unlimitedRequests};
  }
`;
