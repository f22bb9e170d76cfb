import { connect, createSecureContext, type SecureContext } from "node:tls";
import { withDeadline } from "./deadline.ts";

export interface HandshakeTarget {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly servername: string;
}

/** The ports of one client address wait for a minute after use; 60,000 connections need more than one address has. */
const clientAddresses = Array.from({ length: 8 }, (_, at) => `127.250.0.${at + 1}`);
const oneDeadlineMs = 60_000;

/** Makes so many full handshakes, each on a connection of its own that the client then closes; rejects when one fails. */
export async function makeFullHandshakes(
  target: HandshakeTarget,
  count: number,
  atOnce = 32,
): Promise<void> {
  const secureContext = createSecureContext({ ca: target.ca });
  let made = 0;
  const makeSome = async (): Promise<void> => {
    while (made < count) {
      made += 1;
      await makeFullHandshake(target, secureContext, made);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, makeSome));
}

/** Makes a full handshake, closes the connection, and resolves to the serial that was shown. Rejects when it fails. */
export async function makeFullHandshake(
  { host, port, servername }: Omit<HandshakeTarget, "ca">,
  secureContext: SecureContext,
  number: number,
): Promise<string> {
  const localAddress = clientAddresses[number % clientAddresses.length] ?? "";
  const options = { host, port, servername, secureContext, localAddress };
  let serial: string | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ ...options, ecdhCurve: "X25519" });
  socket.once("secureConnect", () => {
    if (socket.isSessionReused()) reject(new Error("the session was resumed"));
    serial = socket.getPeerCertificate().serialNumber.toLowerCase();
    socket.end();
  });
  socket.once("error", reject);
  socket.once("close", () => resolve());
  socket.resume();
  try {
    await withDeadline(promise, oneDeadlineMs, "a full handshake");
    if (serial === undefined) throw new Error("the connection was closed during the handshake");
    return serial;
  } finally {
    socket.destroy();
  }
}
