import { idleTimeoutS, pooledConnections, type Site } from "./tls-proxy.ts";

/** Caddy sends X-Forwarded-For, -Proto and -Host by default. Its cipher suites for TLS 1.3 cannot be chosen. */
export function caddyConfiguration(site: Site): string {
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
    protocols ${site.mode === "h2" ? "h1 h2" : "h1"}
    timeouts {
      idle ${idleTimeoutS}s
    }
  }
}
${servers.join("")}`;
}
