import { join } from "node:path";
import { freePort, uniqueVirtualIp } from "./addresses.ts";
import { startReal, type RealEndpoint } from "./real-endpoints.ts";
import { makeTempFolder, writeFiles } from "./temp-folder.ts";

export interface HaproxyFrontOptions {
  readonly to: { readonly host: string; readonly port: number };
  /** The PROXY header that it sends, v1 or v2. */
  readonly header: "send-proxy" | "send-proxy-v2";
  /** The address that it connects from: what the director lists. */
  readonly source: string;
  /** Checks the director by a TLS handshake of its own, behind a header with LOCAL, and only sends clients while that works. */
  readonly hasCheck?: boolean;
}

/** HAProxy that passes connections on as they are, as it stands in front of a director. */
export async function startHaproxyFront(options: HaproxyFrontOptions): Promise<RealEndpoint> {
  const { to, header, source, hasCheck } = options;
  const folder = await makeTempFolder();
  const host = uniqueVirtualIp();
  const port = await freePort(host);
  const check = hasCheck === true ? "check inter 200ms check-send-proxy check-ssl verify none" : "";
  const config = `
global
  maxconn 1024
defaults
  mode tcp
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend clients
  bind ${host}:${port}
  default_backend director
backend director
  server director ${to.host}:${to.port} ${header} source ${source} ${check}
`;
  await writeFiles(folder, { "haproxy.cfg": config });
  return startReal("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], host, port);
}
