import { join } from "node:path";
import { freePort, uniqueVirtualIp } from "./addresses.ts";
import { startReal, type RealEndpoint } from "./real-endpoints.ts";
import { makeTempFolder, writeFiles } from "./temp-folder.ts";

export interface HaproxyFrontOptions {
  readonly to: { readonly host: string; readonly port: number };
  /** The PROXY header that it sends, v1 or v2. */
  readonly header: "send-proxy" | "send-proxy-v2" | "send-proxy-v2-ssl-cn";
  /** The TLVs that it adds in version 2. */
  readonly tlvs?: readonly ("authority" | "crc32c" | "unique-id")[];
  /** Takes PROXY headers itself, and passes on the client, authority and unique id that they announce. */
  readonly expectsProxyHeader?: boolean;
  /** The address that it connects from: what the director lists. */
  readonly source: string;
  /**
   * Checks the director behind a header of its own, with LOCAL in version 2, and sends clients only while that works:
   * by a TLS handshake, or by nothing more, which it ends by a reset.
   */
  readonly check?: "tls" | "tcp";
}

/** HAProxy that passes connections on as they are, as it stands in front of a director. */
export async function startHaproxyFront(options: HaproxyFrontOptions): Promise<RealEndpoint> {
  const { to, header, source } = options;
  const folder = await makeTempFolder();
  const host = uniqueVirtualIp();
  const port = await freePort(host);
  const bind = `${host}:${port}${options.expectsProxyHeader === true ? " accept-proxy" : ""}`;
  const tlvs = options.tlvs === undefined ? "" : `proxy-v2-options ${options.tlvs.join(",")}`;
  const handshake = options.check === "tls" ? "check-ssl verify none" : "";
  const check =
    options.check === undefined ? "" : `check inter 200ms check-send-proxy ${handshake}`;
  const config = `
global
  maxconn 1024
defaults
  mode tcp
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend clients
  bind ${bind}
  unique-id-format %[fc_pp_unique_id]
  default_backend director
backend director
  server director ${to.host}:${to.port} ${header} ${tlvs} source ${source} ${check}
`;
  await writeFiles(folder, { "haproxy.cfg": config });
  return startReal("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")], host, port);
}
