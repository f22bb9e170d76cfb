import { parseClientHello, type ClientHello, type HelloResult } from "../tls/client-hello.ts";
import type { ConnectionState } from "./connection-state.ts";
import { failHandshake } from "./finish.ts";
import { readOpening } from "./read-opening.ts";

const HTTP_PAGE = "This port speaks TLS. Use https:// in the address.\n";
const HTTP_ANSWER = Buffer.from(
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n" +
    `Content-Length: ${HTTP_PAGE.length}\r\n\r\n${HTTP_PAGE}`,
);

/** Fatal protocol_version, for a hello that is older than TLS. RFC 8446 section 6.2. */
const PROTOCOL_VERSION_ALERT = Buffer.from([21, 3, 1, 0, 2, 2, 70]);

type Complete = Exclude<HelloResult, { readonly kind: "incomplete" }>;

function tryCompleteHello(bytes: Buffer): Complete | undefined {
  const result = parseClientHello(bytes);
  return result.kind === "incomplete" ? undefined : result;
}

export interface ReadHello {
  readonly hello: ClientHello;
  /** The hello, and whatever came with it, for the handshake to start with. */
  readonly bytes: Buffer;
}

/** What the client says before any private key is used for it. Undefined: the connection is over. */
export async function readClientHello(
  connection: ConnectionState,
  firstBytes: Buffer,
): Promise<ReadHello | undefined> {
  const opening = await readOpening(connection, firstBytes, tryCompleteHello);
  if (opening === undefined) return undefined;
  const { found, bytes } = opening;
  switch (found.kind) {
    case "hello":
      connection.hello = found.hello;
      connection.serverName = found.hello.serverName;
      return { hello: found.hello, bytes };
    case "plaintext-http":
      failHandshake(connection, "plaintext-http", { farewell: HTTP_ANSWER });
      return undefined;
    case "unsupported-version":
      failHandshake(connection, "unsupported-version", { farewell: PROTOCOL_VERSION_ALERT });
      return undefined;
    case "not-tls":
      failHandshake(connection, "not-tls");
      return undefined;
    case "malformed":
    case "too-large":
      failHandshake(connection, "protocol-error", { detail: `ClientHello ${found.kind}` });
      return undefined;
    default:
      return found satisfies never;
  }
}
