import { join } from "node:path";
import { freePort, uniqueVirtualIp } from "./addresses.ts";
import { startReal, type RealEndpoint } from "./real-endpoints.ts";
import { makeTempFolder, writeFiles } from "./temp-folder.ts";
import type { IssuedCertificate } from "./test-ca.ts";
import { nginxMain, nginxTemps } from "./nginx-files.ts";

export interface TlsProxyOptions {
  readonly certificate: IssuedCertificate;
  /** The port of the endpoint on 127.0.0.1. */
  readonly to: number;
}

/** Starts a HAProxy that terminates TLS and tells the endpoint the address of the client. Its other settings are the defaults. */
export async function startHaproxyTls(options: TlsProxyOptions): Promise<RealEndpoint> {
  const { folder, host, port, certificate } = await placeFor(options);
  const config = `
global
  maxconn 1024
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  option forwardfor
frontend clients
  bind ${host}:${port} ssl crt ${certificate}
  http-request set-header X-Forwarded-Proto https
  default_backend endpoint
backend endpoint
  server endpoint 127.0.0.1:${options.to}
`;
  await writeFiles(folder, { "haproxy.cfg": config });
  return startReal("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], host, port);
}

/** Starts an nginx that sets the four fields of its guides, and speaks HTTP/1.1 over a pool. Its other settings are the defaults. */
export async function startNginxTls(options: TlsProxyOptions): Promise<RealEndpoint> {
  const { folder, host, port, certificate } = await placeFor(options);
  const config = `
${nginxMain(folder)}
error_log stderr crit;
http {
  ${nginxTemps(folder)}
  upstream endpoint {
    server 127.0.0.1:${options.to};
    keepalive 8;
  }
  server {
    listen ${host}:${port} ssl;
    server_name shop.example;
    ssl_certificate ${certificate};
    ssl_certificate_key ${certificate};
    location / {
      proxy_pass http://endpoint;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`;
  await writeFiles(folder, { "nginx.conf": config });
  const args = ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")];
  return startReal("nginx", args, host, port);
}

interface Place {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  /** The path of the chain and its key in one file. */
  readonly certificate: string;
}

async function placeFor(options: TlsProxyOptions): Promise<Place> {
  const folder = await makeTempFolder();
  const host = uniqueVirtualIp();
  const { chainPem, keyPem } = options.certificate;
  await writeFiles(folder, { "both.pem": chainPem + keyPem });
  return { folder, host, port: await freePort(host), certificate: join(folder, "both.pem") };
}
