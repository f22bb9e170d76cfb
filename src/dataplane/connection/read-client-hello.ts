import { ALERT_RECORDS, type SentAlert } from "../tls/alerts.ts";
import {
  HelloReader,
  MAX_HELLO_BYTES,
  type ClientHello,
  type HelloResult,
} from "../tls/client-hello.ts";
import type { TlsConnection } from "./connection-state.ts";
import { failHandshake } from "./finish.ts";
import { readOpening } from "./read-opening.ts";

const HTTP_PAGE = "This port speaks TLS. Use https:// in the address.\n";
const HTTP_ANSWER = Buffer.from(
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n" +
    `Content-Length: ${HTTP_PAGE.length}\r\n\r\n${HTTP_PAGE}`,
);

/** The details of the handshake record for alerts whose name does not explain the fault. */
const DETAILS: Readonly<Partial<Record<SentAlert, string>>> = {
  unexpected_message: "The client sent something other than a ClientHello.",
  record_overflow: "A record is longer than 16,384 bytes.",
};

type Complete = Exclude<HelloResult, { readonly kind: "incomplete" }>;

export interface ReadHello {
  readonly hello: ClientHello;
  /** The hello and all bytes after it, with which the handshake starts. */
  readonly bytes: Buffer;
}

/**
 * Reads the ClientHello, before any private key is used for the client. Resolves with undefined if the connection has
 * ended.
 */
export async function readClientHello(
  connection: TlsConnection,
  firstBytes: Buffer,
): Promise<ReadHello | undefined> {
  const reader = new HelloReader(maxHelloBytesOf(connection));
  const opening = await readOpening(connection, firstBytes, (bytes): Complete | undefined => {
    const result = reader.read(bytes);
    return result.kind === "incomplete" ? undefined : result;
  });
  if (opening === undefined) return undefined;
  const { found, bytes } = opening;
  if (found.kind === "hello") {
    connection.hello = found.hello;
    connection.serverName = found.hello.serverName;
    return { hello: found.hello, bytes };
  }
  refuse(connection, found);
  return undefined;
}

function maxHelloBytesOf({ rules, plane }: TlsConnection): number {
  return Math.min(MAX_HELLO_BYTES, plane.wire.maxHelloBytes(rules.names.requestsCertificate));
}

/** Refuses the client with a message that its protocol can express: a TLS alert or an HTTP response. */
function refuse(
  connection: TlsConnection,
  found: Exclude<Complete, { readonly kind: "hello" }>,
): void {
  switch (found.kind) {
    case "plaintext-http":
      failHandshake(connection, "plaintext-http", { farewell: HTTP_ANSWER });
      return;
    case "unsupported-version":
      failHandshake(connection, "unsupported-version", {
        farewell: ALERT_RECORDS.protocol_version,
      });
      return;
    case "not-tls":
      failHandshake(connection, "not-tls");
      return;
    case "too-large":
      // The RFC defines no alert for this. Both engines send illegal_parameter.
      failHandshake(connection, "too-large", { farewell: ALERT_RECORDS.illegal_parameter });
      return;
    case "malformed": {
      const { alert } = found;
      failHandshake(connection, alert === "unrecognized_name" ? "unknown-name" : "protocol-error", {
        farewell: ALERT_RECORDS[alert],
        detail: DETAILS[alert] ?? "The ClientHello is malformed.",
      });
      return;
    }
    default:
      found satisfies never;
  }
}
