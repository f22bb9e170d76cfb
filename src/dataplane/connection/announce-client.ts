import { buildProxyHeader } from "../proxy-protocol/build-proxy-header.ts";
import type { AnnouncedClient } from "../proxy-protocol/parse-proxy-header.ts";
import type { WireSocket } from "../wire/wire.ts";
import type { ConnectionState } from "./connection-state.ts";

/**
 * Sends the endpoint a PROXY header with the client's address, before any other data and before TLS to the endpoint
 * starts.
 */
export function announceClient(connection: ConnectionState, endpoint: WireSocket): void {
  const { proxyProtocol } = connection.rules;
  if (proxyProtocol === "none") return;
  const { tls, peerCertificate, announced } = connection;
  const client = announced?.client ?? directClientOf(connection);
  endpoint.write(
    buildProxyHeader(proxyProtocol, {
      clientAddress: client.address,
      clientPort: client.port,
      destinationAddress: client.destinationAddress,
      destinationPort: client.destinationPort,
      passedTlvs: announced?.tlvs,
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
                      verified: peerCertificate.verifyFailure === undefined,
                    },
            },
    }),
  );
}

/**
 * Returns both addresses of the client's socket. The virtual IP is not used as the destination because it can be a
 * wildcard address.
 */
function directClientOf({ clientAddress, clientPort, client }: ConnectionState): AnnouncedClient {
  return {
    address: clientAddress,
    port: clientPort,
    destinationAddress: client.localAddress,
    destinationPort: client.localPort,
  };
}
