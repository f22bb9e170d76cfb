import { normaliseClientAddress } from "#model/addresses/cidr.ts";
import {
  parseProxyHeader,
  type AnnouncedClient,
  type ProxyHeaderResult,
} from "../proxy-protocol/parse-proxy-header.ts";
import { TLV } from "../proxy-protocol/proxy-protocol-v2.ts";
import { tlvValueOf } from "../proxy-protocol/proxy-tlvs.ts";
import { needsProxyHeader } from "./accept.ts";
import { admitClient } from "./admit-client.ts";
import type { ConnectionState } from "./connection-state.ts";
import { refuseConnection } from "./finish.ts";
import { readOpening } from "./read-opening.ts";

const NOTHING = Buffer.alloc(0);
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

type Complete = Exclude<ProxyHeaderResult, { readonly kind: "incomplete" }>;

/**
 * Reads the PROXY header of a peer that is in `acceptProxyProtocol`, and resolves with the bytes after the header.
 * Other peers are direct clients, and no bytes are read from them. Resolves with undefined if the connection has ended.
 */
export async function readProxyHeader(connection: ConnectionState): Promise<Buffer | undefined> {
  if (!needsProxyHeader(connection)) return NOTHING;
  const opening = await readOpening(connection, undefined, (bytes) =>
    tryCompleteHeader(connection, bytes),
  );
  // The connection may have ended between the last byte of the header and this line.
  if (opening === undefined || connection.isOver) return undefined;
  const { found, bytes } = opening;
  // The peer closed before it was accepted. Its address is unknown, so it may not announce a client.
  if (connection.clientAddress === "") {
    refuseConnection(connection, "reset");
    return undefined;
  }
  if (found.kind === "malformed") {
    refuseConnection(connection, "bad-proxy-header", { detail: found.detail });
    return undefined;
  }
  if (!takeHeader(connection, found)) return undefined;
  // A copy, because a view would keep a header of up to 64 KB in memory during the handshake.
  return Buffer.from(bytes.subarray(found.headerBytes));
}

/** Parses the header and sets `isProbe` in the same event, because the next event may be the end of the connection. */
function tryCompleteHeader(connection: ConnectionState, bytes: Buffer): Complete | undefined {
  const result = parseProxyHeader(bytes);
  if (result.kind === "incomplete") return undefined;
  connection.isProbe =
    result.kind !== "malformed" &&
    result.headerBytes === bytes.length &&
    clientOf(connection, result) === undefined;
  return result;
}

/**
 * Applies the header to the connection. Returns false, and ends the connection, if the announced client is not
 * admitted. If the header announces no client, the connection may be a health check, to which no list and no rate
 * applies. If a ClientHello follows, the lists are checked after it.
 */
function takeHeader(
  connection: ConnectionState,
  found: Exclude<Complete, { readonly kind: "malformed" }>,
): boolean {
  const { proxyProtocol } = connection.rules;
  const client = clientOf(connection, found);
  connection.uniqueId = uniqueIdIn(found.tlvs);
  if (proxyProtocol !== "none") {
    connection.announced = { client, tlvs: proxyProtocol === "v2" ? found.tlvs : NOTHING };
  }
  if (client === undefined) return true;
  connection.proxyAddress = connection.clientAddress;
  connection.clientAddress = normaliseClientAddress(client.address);
  connection.clientPort = client.port;
  return admitClient(connection);
}

/**
 * Returns undefined if the header announces no client or the peer itself. The specification recommends the latter for
 * health checks in version 1 (section 2.1), which has no LOCAL command.
 */
function clientOf(connection: ConnectionState, header: Complete): AnnouncedClient | undefined {
  if (header.kind !== "announced") return undefined;
  return isPeerItself(connection, header.client) ? undefined : header.client;
}

/**
 * Whether the header announces the peer that sent it. If the address of the peer is unknown, the result is whether the
 * destination in the header is this socket.
 */
function isPeerItself(
  { client: socket, clientAddress, clientPort }: ConnectionState,
  announced: AnnouncedClient,
): boolean {
  if (clientAddress !== "") {
    const { address, port } = announced;
    return port === clientPort && normaliseClientAddress(address) === clientAddress;
  }
  const { destinationAddress, destinationPort } = announced;
  return (
    destinationPort === socket.localPort &&
    normaliseClientAddress(destinationAddress) === normaliseClientAddress(socket.localAddress)
  );
}

/** Returns the unique id as access lines show it: as text if it is printable ASCII, otherwise in hexadecimal. */
function uniqueIdIn(tlvs: Buffer): string | undefined {
  const value = tlvValueOf(tlvs, TLV.uniqueId);
  if (value === undefined) return undefined;
  const text = value.toString("latin1");
  return PRINTABLE_ASCII.test(text) ? text : value.toString("hex");
}
