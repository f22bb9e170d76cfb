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

/** Why a client that broke the protocol is sent that alert, for the record of the handshake. */
const DETAILS: Readonly<Partial<Record<SentAlert, string>>> = {
  unexpected_message: "Something else than a ClientHello came.",
  record_overflow: "A record is longer than 16,384 bytes.",
};

type Complete = Exclude<HelloResult, { readonly kind: "incomplete" }>;

export interface ReadHello {
  readonly hello: ClientHello;
  /** The hello, and whatever came with it, for the handshake to start with. */
  readonly bytes: Buffer;
}

/** What the client says before any private key is used for it. Undefined: the connection is over. */
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
  const requestsCertificate = rules.spec.clientAuth.mode !== "none";
  return Math.min(MAX_HELLO_BYTES, plane.wire.maxHelloBytes(requestsCertificate));
}

/** The client is told why as far as its protocol has words for it: by an alert of TLS, or a page of HTTP. */
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
      // As both engines do, though the RFC has no alert for it.
      failHandshake(connection, "too-large", { farewell: ALERT_RECORDS.illegal_parameter });
      return;
    case "malformed": {
      const { alert } = found;
      failHandshake(connection, alert === "unrecognized_name" ? "unknown-name" : "protocol-error", {
        farewell: ALERT_RECORDS[alert],
        detail: DETAILS[alert] ?? "ClientHello malformed",
      });
      return;
    }
    default:
      found satisfies never;
  }
}
