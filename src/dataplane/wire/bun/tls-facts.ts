/** Translates what Bun's own sockets report into the types of the seam. */
import type { BunError, BunSocket } from "./native-api.ts";
import { nameFailure } from "../name-failure.ts";
import type { TlsFacts, WireFailure } from "../wire.ts";

/** The failure of a socket that the engine closed without an error before both halves had ended. */
export const BROKEN_OFF: WireFailure = {
  kind: "reset",
  detail: "The connection was closed before both sides had ended it.",
};

/**
 * The reason of BoringSSL in an error text of Bun, e.g. `error:100000b8:SSL
 * routines:OPENSSL_internal:NO_SHARED_CIPHER`.
 */
const SSL_REASON = /^error:[0-9a-f]+:[^:]*:[^:]*:([A-Z0-9_/]+)$/i;

/** Names a failure by the code that node:tls would report. */
export function tryNativeFailure(error: BunError | null | undefined): WireFailure | undefined {
  if (error === null || error === undefined) return undefined;
  const { code, message } = error;
  const reason = SSL_REASON.exec(message ?? "")?.[1];
  return nameFailure({ code: reason === undefined ? code : `ERR_SSL_${reason}`, message });
}

/** One string for each distinct name, because the engine creates a new string for each connection. */
const names = new Map<string, string>();

function sharedName(name: string | undefined): string {
  if (name === undefined) return "unknown";
  const shared = names.get(name);
  if (shared !== undefined) return shared;
  names.set(name, name);
  return name;
}

export function tlsFactsOf(socket: BunSocket<unknown> | undefined): TlsFacts {
  const alpn = socket?.alpnProtocol;
  return {
    version: sharedName(socket?.getTLSVersion()),
    cipherSuite: sharedName(socket?.getCipher()?.name),
    alpn: typeof alpn === "string" ? alpn : undefined,
    isResumed: socket?.isSessionReused() ?? false,
  };
}
