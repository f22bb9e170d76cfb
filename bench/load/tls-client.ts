import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { benchServerName } from "../bench-certificate.ts";
import { BenchFailure } from "../bench-failure.ts";

const handshakeDeadlineMs = 10_000;

export interface Target {
  readonly virtualIp: string;
  readonly port: number;
  readonly chainPem: string;
}

/** What every connection of a comparison must have negotiated. */
export const expectedTerms = "TLSv1.3, TLS_AES_128_GCM_SHA256, X25519, full handshake";

/** Built once for a run: the client offers one version, one suite and one group, and holds no session. */
export interface TlsClient {
  readonly target: Target;
  readonly secureContext: SecureContext;
}

export function buildTlsClient(target: Target): TlsClient {
  const secureContext = createSecureContext({
    ca: target.chainPem,
    minVersion: "TLSv1.3",
    ciphers: "TLS_AES_128_GCM_SHA256",
    ecdhCurve: "X25519",
  });
  return { target, secureContext };
}

/** Resolves after the handshake, with the certificate verified and the terms checked; later errors go to `onError`. */
export function openConnection(
  client: TlsClient,
  onError: (error: Error) => void,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: client.target.virtualIp,
      port: client.target.port,
      servername: benchServerName,
      secureContext: client.secureContext,
      timeout: handshakeDeadlineMs,
    });
    socket.setNoDelay(true);
    socket.once("timeout", () => socket.destroy(new Error("a handshake took over 10 s")));
    socket.on("error", (error) => {
      reject(error);
      onError(error);
    });
    socket.once("secureConnect", () => {
      socket.setTimeout(0);
      const terms = negotiatedTermsOf(socket);
      if (terms === expectedTerms) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new BenchFailure(`it negotiated ${terms} instead of ${expectedTerms}`));
    });
  });
}

function negotiatedTermsOf(socket: TLSSocket): string {
  const exchange: unknown = socket.getEphemeralKeyInfo();
  const group =
    typeof exchange === "object" && exchange !== null && "name" in exchange
      ? String(exchange.name)
      : "an unknown group";
  const handshake = socket.isSessionReused() ? "resumed session" : "full handshake";
  return [socket.getProtocol(), socket.getCipher().standardName, group, handshake].join(", ");
}
