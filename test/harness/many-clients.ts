import { errorCodeOf } from "#model/error-code.ts";
import { eventually } from "./deadline.ts";
import { servedText, visit } from "./recorded-handshake.ts";
import { rawConnect, type RawConnectOptions } from "./socket-client.ts";
import { tlsConnect, type TlsClient, type TlsConnectOptions } from "./tls-client.ts";

const leastPatienceMs = 400;
const servedDeadlineMs = 40_000;

/** Serials of the certificates that new clients are shown, so many of them at once; each of them is served. */
export async function shownSerials(
  options: TlsConnectOptions,
  clients = 12,
): Promise<readonly string[]> {
  const visits = await Promise.all(Array.from({ length: clients }, () => visit(options)));
  const serials = visits.map(({ facts }) => facts.peerCertificate.serialNumber.toLowerCase());
  return [...new Set(serials)];
}

/** A client that tries again where nobody answers for a while, as half of them meet a worker that hangs. */
export function untilServed(options: TlsConnectOptions): Promise<TlsClient> {
  let patienceMs = 0;
  return eventually(
    async () => {
      patienceMs += leastPatienceMs;
      const client = await tlsConnect({ ...options, deadlineMs: patienceMs });
      await ask(client);
      return client;
    },
    servedDeadlineMs,
    "an answer on the second or third try",
  );
}

/**
 * Many clients at once, of which some meet a worker that hangs. Resolves when the first of them has its answer; `all` does
 * when each has been answered or lost.
 */
export async function untilAnyServed(
  options: TlsConnectOptions,
  clients = 12,
): Promise<{ readonly all: Promise<unknown> }> {
  const patient = { ...options, deadlineMs: servedDeadlineMs };
  const visits = Array.from({ length: clients }, () => visit(patient));
  const all = Promise.allSettled(visits);
  await Promise.any(visits);
  return { all };
}

/** Resolves when nobody listens there any more. */
export async function untilClosed(target: RawConnectOptions): Promise<void> {
  const isClosed = async (): Promise<boolean> => {
    try {
      await using client = await rawConnect(target);
      return client.socket.destroyed;
    } catch (error) {
      return errorCodeOf(error) === "ECONNREFUSED";
    }
  };
  await eventually(isClosed, servedDeadlineMs, "a closed port");
}

/** One more request on a connection that stays open; `startHttpEndpoint(servedText)` answers. */
export async function ask(client: TlsClient): Promise<void> {
  await client.send("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
  await client.read.until(servedText);
}
