import { cipherSuite, tlsVersion } from "../load/messages.ts";
import type { Site } from "./tls-proxy.ts";

/**
 * The configurations of mode http. Each proxy tells the endpoint the address of the client, the protocol, the port and the host that
 * the client has asked for, and an id of the request, as the director does by default. Connections to the endpoint are used again.
 */
const idleTimeoutS = 300;
/** nginx closes a connection after 1,000 requests by default, in the middle of a run. */
const unlimitedRequests = 100_000_000;
/** More than the requests that wait for an answer at a time. */
const pooledConnections = 100;

/** `reuse` is http-reuse of HAProxy. `safe` is its default. */
export function haproxyHttp(site: Site, reuse: "safe" | "always"): string {
  return `global
  nbthread ${site.workers}
  maxconn ${site.maxConnections}
  ssl-default-bind-options ssl-min-ver ${tlsVersion}
  ssl-default-bind-ciphersuites ${cipherSuite}
  ssl-default-bind-curves ${site.groups.join(":")}
defaults
  mode http
  timeout connect 5s
  timeout client ${idleTimeoutS}s
  timeout server ${idleTimeoutS}s
  timeout tunnel ${idleTimeoutS}s
${site.hasAccessLog ? "  log stdout format raw local0\n  option httplog\n" : ""}listen bench
${site.listeners
  .map(({ virtualIp, port, keyType }) => {
    return `  bind ${virtualIp}:${port} ssl crt ${site.certificates[keyType].combinedPath}\n`;
  })
  .join("")}  http-reuse ${reuse}
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  unique-id-format %{+X}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid
  unique-id-header X-Request-Id
  server web-1 127.0.0.1:${site.endpointPort}
`;
}

export function nginxHttp(site: Site): string {
  const files = site.maxConnections * 2 + site.listeners.length;
  const servers = site.listeners.map(
    ({ virtualIp, port, keyType }) => `  server {
    listen ${virtualIp}:${port} ssl;
    ssl_certificate ${site.certificates[keyType].chainPath};
    ssl_certificate_key ${site.certificates[keyType].keyPath};
    ssl_protocols ${tlsVersion};
    ssl_conf_command Ciphersuites ${cipherSuite};
    ssl_ecdh_curve ${site.groups.join(":")};
    location / {
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
  }
`,
  );
  return `daemon off;
worker_processes ${site.workers};
worker_rlimit_nofile ${files + 100};
pid ${site.folder}/nginx.pid;
events {
  worker_connections ${files};
}
http {
  access_log ${site.hasAccessLog ? `${site.folder}/access.log` : "off"};
  keepalive_timeout ${idleTimeoutS}s;
  keepalive_requests ${unlimitedRequests};
  map $http_upgrade $forwarded_connection {
    default upgrade;
    "" "";
  }
  upstream endpoint {
    server 127.0.0.1:${site.endpointPort};
    keepalive ${pooledConnections};
    keepalive_requests ${unlimitedRequests};
  }
${servers.join("")}}
`;
}

/** Caddy sends X-Forwarded-For, -Proto and -Host by default. Its cipher suites for TLS 1.3 cannot be chosen. */
export function caddyHttp(site: Site): string {
  const groups = site.groups.map((group) => group.toLowerCase()).join(" ");
  const servers = site.listeners.map(
    ({ virtualIp, port, keyType }) => `https://:${port} {
  bind ${virtualIp}
  tls ${site.certificates[keyType].chainPath} ${site.certificates[keyType].keyPath} {
    protocols tls1.3 tls1.3
    curves ${groups}
  }
${site.hasAccessLog ? "  log {\n    output stdout\n  }\n" : ""}  reverse_proxy 127.0.0.1:${site.endpointPort} {
    header_up X-Forwarded-Port ${port}
    header_up X-Request-Id {http.request.uuid}
    transport http {
      versions 1.1
      keepalive_idle_conns_per_host ${pooledConnections}
    }
  }
}
`,
  );
  return `{
  admin off
  auto_https off
  storage file_system ${site.folder}
  servers {
    protocols h1
    timeouts {
      idle ${idleTimeoutS}s
    }
  }
}
${servers.join("")}`;
}
