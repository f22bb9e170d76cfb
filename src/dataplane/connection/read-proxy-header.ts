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
 * Reads the PROXY header of a listed peer and resolves with the bytes that came after it. All other peers are direct
 * clients, whose bytes are not looked at. Resolves with undefined if the connection is over.
 */
export async function readProxyHeader(connection: ConnectionState): Promise<Buffer | undefined> {
  if (!needsProxyHeader(connection)) return NOTHING;
  const opening = await readOpening(connection, undefined, (bytes) =>
    tryCompleteHeader(connection, bytes),
  );
  // The end may have been the event after the header's last byte.
  if (opening === undefined || connection.isOver) return undefined;
  const { found, bytes } = opening;
  // The peer was gone before it was accepted, so nobody knows whether it may announce clients.
  if (connection.clientAddress === "") {
    refuseConnection(connection, "reset");
    return undefined;
  }
  if (found.kind === "malformed") {
    refuseConnection(connection, "bad-proxy-header", { detail: found.detail });
    return undefined;
  }
  if (!takeHeader(connection, found)) return undefined;
  // A view would keep a header of up to 64 KB in memory for as long as the handshake lasts.
  return Buffer.from(bytes.subarray(found.headerBytes));
}

/** Tells a health check in the same event in which its header is complete, as the next event may be its end. */
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
 * Returns false if the announced client is turned away; the connection is over then. A peer that announces nobody may be a
 * health check, which no list and no rate is for: if a ClientHello follows, the lists are asked then.
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
 * Returns undefined if the header announces no client, or the peer itself. The latter is what the specification
 * recommends for health checks in version 1 (section 2.1), which has no LOCAL.
 */
function clientOf(connection: ConnectionState, header: Complete): AnnouncedClient | undefined {
  if (header.kind !== "announced") return undefined;
  return isPeerItself(connection, header.client) ? undefined : header.client;
}

/** The address of a peer that is gone is not known: its header announces the peer if the destination is this socket. */
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

/** Returns the text of the access line, which is hexadecimal unless the id is printable ASCII. */
function uniqueIdIn(tlvs: Buffer): string | undefined {
  const value = tlvValueOf(tlvs, TLV.uniqueId);
  if (value === undefined) return undefined;
  const text = value.toString("latin1");
  return PRINTABLE_ASCII.test(text) ? text : value.toString("hex");
}
