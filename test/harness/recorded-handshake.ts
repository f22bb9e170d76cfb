import { uniqueVirtualIp } from "./addresses.ts";
import type { Director } from "./director.ts";
import { isEvent, type LogLine } from "./log-capture.ts";
import { tlsConnect, type TlsConnectOptions, type TlsFacts } from "./tls-client.ts";

const recordDeadlineMs = 10_000;

/** What `startHttpEndpoint` is to answer for the functions below. */
export const servedText = "served by the endpoint\n";

/** The access line of the connection from an address that no other client uses; it comes when the connection ends. */
export function connectionLineOf(director: Director, clientAddress: string): Promise<LogLine> {
  return lineOf(director, "connection", clientAddress);
}

/** The record of a failed handshake from an address that no other client uses. */
export function failureLineOf(director: Director, clientAddress: string): Promise<LogLine> {
  return lineOf(director, "handshake-failed", clientAddress);
}

function lineOf(director: Director, event: string, clientAddress: string): Promise<LogLine> {
  return director.waitForLog(
    (line) => isEvent(line, event) && line["clientAddress"] === clientAddress,
    recordDeadlineMs,
  );
}

export interface Visit {
  /** The facts that the client saw. */
  readonly facts: TlsFacts;
  /** A value for the option `session` of another connection. There is one even if it cannot be resumed. */
  readonly session: Buffer | undefined;
}

/** One request that is answered. The session is taken after the answer, when tickets have come. */
export async function visit(options: TlsConnectOptions): Promise<Visit> {
  await using client = await tlsConnect(options);
  const { facts } = client;
  await client.send("GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
  await client.read.until(servedText);
  const session = client.socket.getSession();
  client.end();
  await client.read.toEnd();
  return { facts, session };
}

/** A visit that must be served, with its access line. */
export async function recordedVisit(
  director: Director,
  options: TlsConnectOptions,
): Promise<Visit & { readonly line: LogLine }> {
  const localAddress = uniqueVirtualIp();
  const visited = await visit({ ...options, localAddress });
  return { ...visited, line: await connectionLineOf(director, localAddress) };
}

/** A visit that must be turned away in the handshake, with what the director recorded of it. */
export async function recordedRefusal(
  director: Director,
  options: TlsConnectOptions,
): Promise<LogLine> {
  const localAddress = uniqueVirtualIp();
  // A TLS 1.3 client is through with the handshake before the server has looked at its certificate: the answer counts.
  const wasServed = await visit({ ...options, localAddress }).then(
    () => true,
    () => false,
  );
  if (wasServed) throw new Error("the client was served");
  return failureLineOf(director, localAddress);
}
