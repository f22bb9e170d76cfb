import { join } from "node:path";
import { rawConnect } from "./socket-client.ts";
import { freePort, uniqueVirtualIp } from "./addresses.ts";
import { endProcessAtTestEnd, startProcess, type RunningProcess } from "./child-process.ts";
import { eventually } from "./deadline.ts";
import { findProgram } from "./packages.ts";
import { makeTempFolder, writeFiles } from "./temp-folder.ts";
import { nginxMain, nginxTemps } from "./nginx-files.ts";

export interface RealEndpointOptions {
  /** Refuses connections without a PROXY header, v1 or v2. */
  readonly expectsProxyHeader?: boolean;
  readonly host?: string;
}

export interface RealEndpoint {
  readonly host: string;
  readonly port: number;
  readonly process: RunningProcess;
}

/** The JSON body that nginx answers. */
export interface NginxView {
  readonly proxy_protocol_addr: string;
  readonly proxy_protocol_port: string;
  readonly proxy_protocol_server_addr: string;
  readonly proxy_protocol_server_port: string;
  readonly remote_addr: string;
  readonly host: string;
  readonly request: string;
}

/** The JSON body that HAProxy answers, in the names of its sample fetches; an absent one is empty. */
export interface HaproxyView {
  readonly src: string;
  readonly src_port: string;
  readonly dst: string;
  readonly dst_port: string;
  /** `1` when the connection had a PROXY header. */
  readonly fc_rcvd_proxy: string;
  readonly fc_pp_authority: string;
  readonly fc_pp_unique_id: string;
}

function nginxConfig(folder: string, listen: string): string {
  const names = [
    ...["proxy_protocol_addr", "proxy_protocol_port", "proxy_protocol_server_addr"],
    ...["proxy_protocol_server_port", "remote_addr", "host", "request"],
  ];
  const body = names.map((name) => `"${name}":"$${name}"`).join(",");
  return `
${nginxMain(folder)}
error_log stderr notice;
http {
  keepalive_requests 1000000;
  ${nginxTemps(folder)}
  server {
    listen ${listen};
    default_type application/json;
    location / { return 200 '{${body}}'; }
  }
}
`;
}

function haproxyConfig(bind: string): string {
  const names = [
    "src",
    "src_port",
    "dst",
    "dst_port",
    "fc_rcvd_proxy",
    "fc_pp_authority",
    "fc_pp_unique_id",
  ];
  const body = names.map((name) => `"${name}":"%[${name}]"`).join(",");
  return `
global
  maxconn 1024
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend plaintext
  bind ${bind}
  http-request return status 200 content-type application/json lf-string '{${body}}'
`;
}

export async function startNginxEndpoint(options: RealEndpointOptions = {}): Promise<RealEndpoint> {
  const folder = await makeTempFolder();
  const host = options.host ?? uniqueVirtualIp();
  const port = await freePort(host);
  const listen = `${host}:${port}${options.expectsProxyHeader === true ? " proxy_protocol" : ""}`;
  await writeFiles(folder, { "nginx.conf": nginxConfig(folder, listen) });
  const config = join(folder, "nginx.conf");
  return startReal("nginx", ["-p", folder, "-e", "stderr", "-c", config], host, port);
}

export async function startHaproxyEndpoint(
  options: RealEndpointOptions = {},
): Promise<RealEndpoint> {
  const folder = await makeTempFolder();
  const host = options.host ?? uniqueVirtualIp();
  const port = await freePort(host);
  const bind = `${host}:${port}${options.expectsProxyHeader === true ? " accept-proxy" : ""}`;
  await writeFiles(folder, { "haproxy.cfg": haproxyConfig(bind) });
  return startReal("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], host, port);
}

export async function startReal(
  program: string,
  args: readonly string[],
  host: string,
  port: number,
): Promise<RealEndpoint> {
  const running = await startProcess(findProgram(program) ?? program, args);
  endProcessAtTestEnd(running);
  const probe = async (): Promise<true> => {
    if (running.hasExited()) return true;
    await using client = await rawConnect({ host, port });
    return client.socket.connecting ? Promise.reject(new Error("connecting")) : true;
  };
  await eventually(probe, 10_000, () => `${program}, which printed:\n${running.output()}\n`);
  if (running.hasExited()) throw new Error(`${program} ended:\n${running.output()}`);
  return { host, port, process: running };
}
