import { normaliseClientAddress } from "#model/cidr.ts";
import { parseProxyHeader, type ProxyHeaderResult } from "../proxy-protocol/parse-proxy-header.ts";
import { needsProxyHeader } from "./accept.ts";
import { admitClient } from "./admit-client.ts";
import type { ConnectionState } from "./connection-state.ts";
import { failHandshake } from "./finish.ts";
import { readOpening } from "./read-opening.ts";

const NOTHING = Buffer.alloc(0);

type Complete = Exclude<ProxyHeaderResult, { readonly kind: "incomplete" }>;

function tryCompleteHeader(bytes: Buffer): Complete | undefined {
  const result = parseProxyHeader(bytes);
  return result.kind === "incomplete" ? undefined : result;
}

/**
 * The PROXY header of a listed peer, and the bytes that came after it. All others are direct clients, and theirs are
 * not even looked at for one. Undefined: the connection is over.
 */
export async function readProxyHeader(connection: ConnectionState): Promise<Buffer | undefined> {
  if (!needsProxyHeader(connection)) return NOTHING;
  const opening = await readOpening(connection, undefined, tryCompleteHeader);
  if (opening === undefined) return undefined;
  const { found, bytes } = opening;
  if (found.kind === "malformed") {
    failHandshake(connection, "bad-proxy-header", { detail: found.detail });
    return undefined;
  }
  if (found.kind === "announced") {
    connection.proxyAddress = connection.clientAddress;
    connection.clientAddress = normaliseClientAddress(found.client.address);
    connection.clientPort = found.client.port;
  }
  if (!admitClient(connection)) return undefined;
  return bytes.subarray(found.headerBytes);
}
