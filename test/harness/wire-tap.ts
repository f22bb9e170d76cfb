import { connect } from "node:net";
import { startEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";

/** Passes connections on as they are and keeps every byte. */
export interface WireTap {
  readonly endpoint: Endpoint;
  /** Towards the target, of each connection in the order in which they came. */
  readonly sent: () => readonly Buffer[];
  /** The bytes that the target has sent. */
  readonly received: () => readonly Buffer[];
}

export async function startWireTap(
  target: { readonly host: string; readonly port: number },
  options: EndpointOptions = {},
): Promise<WireTap> {
  const connections: { readonly sent: Buffer[]; readonly received: Buffer[] }[] = [];
  const endpoint = await startEndpoint((socket) => {
    const { host, port } = target;
    const [sent, received]: [Buffer[], Buffer[]] = [[], []];
    connections.push({ sent, received });
    const onward = connect({ host, port, allowHalfOpen: true });
    socket.on("data", (chunk: Buffer) => void sent.push(chunk));
    onward.on("data", (chunk: Buffer) => void received.push(chunk));
    socket.on("close", () => onward.destroy());
    onward.on("error", () => socket.resetAndDestroy());
    onward.on("close", () => socket.destroySoon());
    socket.pipe(onward).pipe(socket);
  }, options);
  return {
    endpoint,
    sent: () => connections.map(({ sent }) => Buffer.concat(sent)),
    received: () => connections.map(({ received }) => Buffer.concat(received)),
  };
}

/** The content types of the TLS records that one connection's bytes are made of, RFC 8446 section 5.1; throws at anything else. */
export function tlsRecordTypes(bytes: Buffer): readonly number[] {
  const types: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const type = bytes.readUInt8(at);
    if (type < 20 || type > 23 || bytes[at + 1] !== 3) {
      throw new Error(`no TLS record at byte ${at}: ${bytes.toString("latin1", at, at + 32)}`);
    }
    types.push(type);
    at += 5 + (at + 5 <= bytes.length ? bytes.readUInt16BE(at + 3) : 0);
  }
  return types;
}
