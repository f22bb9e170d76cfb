/** Reads messages of workers as untrusted input, because a worker that was taken over can send anything. */
import Type from "typebox";
import { Compile } from "typebox/compile";
import {
  serverPairOf,
  type CertificateName,
  type ListenerName,
  type ServerPair,
} from "#model/names.ts";
import { ConnectionRecordSchema } from "#model/records/connection-record.ts";
import { HandshakeRecordSchema } from "#model/records/handshake-record.ts";
import {
  ConnectionsMessageSchema,
  EventsMessageSchema,
  MAX_RECORDS,
  PlainMessageSchema,
} from "#model/records/messages-to-control.ts";
import { MAX_LISTED, OpenConnectionSchema } from "#model/records/open-connection.ts";
import type { ToControl } from "#protocol/messages.ts";

const records = Type.Array(Type.Unknown(), { maxItems: MAX_RECORDS });

/** In `events` and `connections`, the number of records is checked here, and each record on its own. */
const Messages = Compile(
  Type.Union([
    PlainMessageSchema,
    Type.Object(
      {
        ...ConnectionsMessageSchema.properties,
        connections: Type.Array(Type.Unknown(), { maxItems: MAX_LISTED }),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        ...EventsMessageSchema.properties,
        handshakes: records,
        connections: records,
      },
      { additionalProperties: false },
    ),
  ]),
);
const HandshakeRecords = Compile(HandshakeRecordSchema);
const ConnectionRecords = Compile(ConnectionRecordSchema);
const OpenConnections = Compile(OpenConnectionSchema);

type KnownListeners = Pick<ReadonlySet<ListenerName>, "has">;
type KnownServers = Pick<ReadonlySet<ServerPair>, "has">;
type KnownCertificates = Pick<ReadonlySet<CertificateName>, "has">;

/**
 * Returns undefined if no sound worker sends this. `known` has the listeners that the control process has sent to the worker,
 * `knownServers` the vNICs and servers, and `knownCertificates` the certificates. The counts and records of others are left out. A record that exceeds a bound is dropped
 * and counted as dropped, because its contents come from clients, and no client may cause the end of a worker.
 */
export function tryWorkerMessage(
  value: unknown,
  known: KnownListeners,
  knownServers: KnownServers,
  knownCertificates: KnownCertificates,
): ToControl | undefined {
  if (!Messages.Check(value)) return undefined;
  if (value.type === "counted") {
    const listeners = Object.entries(value.listeners).filter(([name]) => isKnown(name, known));
    return { type: "counted", listeners: Object.fromEntries(listeners) };
  }
  if (value.type === "servers") {
    const servers = value.servers.filter(({ vnic, server }) =>
      knownServers.has(serverPairOf(vnic, server)),
    );
    return { type: "servers", servers };
  }
  if (value.type === "certificates") {
    const certificates = value.certificates.filter(({ name }) => knownCertificates.has(name));
    return { type: "certificates", certificates };
  }
  if (value.type === "connections") {
    const { type, number, total } = value;
    const connections = value.connections
      .filter((record) => OpenConnections.Check(record))
      .filter((record) => isKnown(record.listener, known));
    return { type, number, total, connections };
  }
  // No cast is needed, because the schema has the types of the messages.
  if (value.type !== "events") return value;
  const handshakes = value.handshakes
    .filter((record) => HandshakeRecords.Check(record))
    .filter((record) => isKnown(record.listener, known));
  const connections = value.connections
    .filter((record) => ConnectionRecords.Check(record))
    .filter((record) => isKnown(record.listener, known));
  const sent = value.handshakes.length + value.connections.length;
  const kept = handshakes.length + connections.length;
  return {
    type: "events",
    handshakes,
    connections,
    dropped: value.dropped + sent - kept,
  };
}

const isKnown = (name: string, known: KnownListeners): boolean => known.has(name as ListenerName);
