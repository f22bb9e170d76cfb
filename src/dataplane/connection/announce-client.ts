import { buildProxyHeader } from "../proxy-protocol/build-proxy-header.ts";
import type { WireSocket } from "../wire/wire.ts";
import type { ConnectionState } from "./connection-state.ts";

/** Tells the endpoint who the client is: a PROXY header ahead of everything else, also of TLS to the endpoint. */
export function announceClient(connection: ConnectionState, endpoint: WireSocket): void {
  const { spec } = connection.rules;
  if (spec.proxyProtocol === "none") return;
  const { tls, peerCertificate } = connection;
  endpoint.write(
    buildProxyHeader(spec.proxyProtocol, {
      clientAddress: connection.clientAddress,
      clientPort: connection.clientPort,
      destinationAddress: spec.virtualIp,
      destinationPort: spec.port,
      alpn: tls?.alpn,
      serverName: connection.serverName,
      uniqueId: connection.id,
      tls:
        tls === undefined
          ? undefined
          : {
              version: tls.version,
              cipherSuite: tls.cipherSuite,
              resumed: tls.isResumed,
              clientCertificate:
                peerCertificate === undefined
                  ? undefined
                  : {
                      commonName: peerCertificate.commonName,
                      verified: peerCertificate.verifyError === undefined,
                    },
            },
    }),
  );
}
