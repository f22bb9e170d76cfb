import { connect as connectSocket } from "node:net";
import { connect } from "node:tls";
import { errorCodeOf } from "#model/error-code.ts";
import { MAX_PROOF_SERIAL, PROOF_MS, proofSocketOf } from "#protocol/proof-socket.ts";
import type { ProofHandshake, Replies } from "../reader/jobs.ts";

export type Shown = Replies["proof"]["shown"][number];

const MAX_FAILURE_CHARACTERS = 200;

/** Resolves to the certificate that the worker shows on the socket of a proof, or to why it shows none. Never rejects. */
export function showCertificate(handshake: ProofHandshake): Promise<Shown> {
  const token = Buffer.from(handshake.token, "base64");
  const raw = connectSocket({ path: proofSocketOf(token) });
  const { promise, resolve } = Promise.withResolvers<Shown>();
  const fail = (failure: string): void =>
    resolve({ failure: failure.slice(0, MAX_FAILURE_CHARACTERS) });
  const deadline = setTimeout(() => fail("It did not finish the handshake in time."), PROOF_MS);
  const failWith = (error: Error): void => fail(errorCodeOf(error) ?? error.message);
  raw.once("error", failWith);
  raw.once("close", () => fail("It closed the connection."));
  raw.once("connect", () => {
    raw.write(token);
    try {
      const socket = connect({ socket: raw, ...optionsOf(handshake) });
      socket.once("error", failWith);
      socket.once("secureConnect", () => {
        const certificate = socket.getPeerX509Certificate();
        if (certificate === undefined) return fail("It sent no certificate.");
        const { fingerprint256, serialNumber } = certificate;
        const fingerprint = fingerprint256.replaceAll(":", "").toLowerCase();
        resolve({ fingerprint, serial: serialNumber.slice(0, MAX_PROOF_SERIAL) });
      });
    } catch (error) {
      failWith(error instanceof Error ? error : new Error(String(error)));
    }
  });
  return promise.finally(() => {
    clearTimeout(deadline);
    raw.on("error", () => undefined).destroy();
  });
}

/**
 * The certificate is compared with the one that is expected, so its issuer is not verified. No CAs are loaded for that. The
 * signature of the handshake is checked always, so the worker has the key.
 */
const optionsOf = (offer: ProofHandshake) => ({
  ...(offer.serverName === undefined ? {} : { servername: offer.serverName }),
  minVersion: offer.version,
  maxVersion: offer.version,
  // Whether a key is strong enough was decided when the certificate was read. A list without a suite of TLS 1.2 is refused.
  ciphers: [...offer.cipherSuites, "DEFAULT", "@SECLEVEL=0"].join(":"),
  ecdhCurve: offer.groups.join(":"),
  sigalgs: offer.signatureAlgorithms.join(":"),
  ca: [],
  rejectUnauthorized: false,
});
