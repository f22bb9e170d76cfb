import { cipherSuite, tlsVersion } from "../load/messages.ts";
import { idleTimeoutS, type Site } from "./tls-proxy.ts";

/** `reuse` is http-reuse, which mode tcp does not have. `safe` is its default. */
export function haproxyConfiguration(site: Site, reuse: "safe" | "always"): string {
  const { mode, listeners, certificates } = site;
  const alpn = mode === "h2" ? " alpn h2,http/1.1" : "";
  const binds = listeners.map(({ virtualIp, port, keyType }) => {
    return `  bind ${virtualIp}:${port} ssl crt ${certificates[keyType].combinedPath}${alpn}\n`;
  });
  return `global
  nbthread ${site.workers}
  maxconn ${site.maxConnections}
  ssl-default-bind-options ssl-min-ver ${tlsVersion}
  ssl-default-bind-ciphersuites ${cipherSuite}
  ssl-default-bind-curves ${site.groups.join(":")}
defaults
  mode ${mode === "tcp" ? "tcp" : "http"}
  timeout connect 5s
  timeout client ${idleTimeoutS}s
  timeout server ${idleTimeoutS}s
${mode === "tcp" ? "" : `  timeout tunnel ${idleTimeoutS}s\n`}${site.hasAccessLog ? "  log stdout format raw local0\n  option httplog\n" : ""}listen bench
${binds.join("")}${mode === "tcp" ? "" : requestLines(reuse)}  server web-1 127.0.0.1:${site.endpointPort}
`;
}

const requestLines = (reuse: string): string => `  http-reuse ${reuse}
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  unique-id-format %{+X}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid
  unique-id-header X-Request-Id
`;
