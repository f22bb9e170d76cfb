/** Reads messages of workers as untrusted input, because a worker that was taken over can send anything. */
import Type, { type TProperties, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import { FAILURES, type FailureCode } from "#model/failure.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import { SLOTS } from "#model/records/metric-catalog.ts";
import type { ListenerName } from "#model/names.ts";
import {
  CONNECTION_OUTCOME_NAMES,
  ENDPOINT_FAILURE_NAMES,
  HANDSHAKE_FAILURE_NAMES,
  OVER_LIMITS,
} from "#model/records/outcome.ts";
import type { ToControl } from "#protocol/messages.ts";

const MAX_TEXT = 4_096;
/** More than a worker gathers for one flush. */
const MAX_RECORDS = 2_500;
/** More than a worker puts into one message. */
const MAX_LISTENERS = 1_000;
/** The last moment that a Date can hold. */
const MAX_TIME_MS = 8.64e15;
const MAX_PORT = 65_535;

type MessageType = ToControl["type"];
type MessageOf<Name extends MessageType> = Extract<ToControl, { readonly type: Name }>;
/** A schema for each field, optional ones too: a field without one does not compile. */
type FieldsOf<Value> = Readonly<Record<keyof Value, TSchema>>;

const exactly = <Fields extends TProperties>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });
const message = <
  Name extends MessageType,
  Fields extends TProperties & FieldsOf<Omit<MessageOf<Name>, "type">>,
>(
  type: Name,
  fields: Fields,
) => exactly({ type: Type.Literal(type), ...fields });

const oneOf = <Value extends string>(values: readonly Value[]) =>
  Type.Unsafe<Value>(Type.Enum([...values]));
const maybe = <Schema extends TSchema>(schema: Schema) => Type.Optional(schema);
const text = Type.String({ maxLength: MAX_TEXT });
/** An address, or a name that TLS has for something. */
const word = Type.String({ maxLength: 128 });
/** What a client sends as a server name has at most 255 bytes. */
const serverName = Type.String({ maxLength: 255 });
/** A worker cuts a subject off there. */
const subject = Type.String({ maxLength: 1_024 });
const listener = Type.Unsafe<ListenerName>(text);
const texts = Type.Array(Type.String({ maxLength: 255 }), { maxItems: 100 });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const port = Type.Integer({ minimum: 0, maximum: MAX_PORT });
const durationMs = Type.Number({ minimum: 0, maximum: MAX_TIME_MS });
/** Counted from accept; -1 where it did not come to it. */
const sinceAccept = Type.Number({ minimum: -1, maximum: MAX_TIME_MS });
const records = Type.Array(Type.Unknown(), { maxItems: MAX_RECORDS });

const Messages = Compile(
  Type.Union([
    message("ready", { protocol: count, runtime: text }),
    message("heartbeat", { openConnections: count, residentBytes: count, loopDelayMs: durationMs }),
    message("prepared", { number: count }),
    message("refused", {
      number: count,
      code: oneOf(Object.keys(FAILURES) as FailureCode[]),
      detail: text,
    }),
    message("committed", { number: count }),
    message("rolled-back", { number: count }),
    message("counted", {
      listeners: Type.Record(
        Type.String(),
        Type.Array(Type.Number({ minimum: 0 }), { maxItems: 2 * SLOTS.size }),
        { maxProperties: MAX_LISTENERS },
      ),
    }),
    message("events", { handshakes: records, connections: records, dropped: count }),
    message("notice", { level: oneOf(["info", "warn", "error"]), text }),
    message("draining", {}),
    message("drained", { cut: count }),
  ]),
);

const client = {
  atMs: durationMs,
  listener,
  clientAddress: word,
  clientPort: port,
};

const HandshakeRecords = Compile(
  exactly({
    ...client,
    failure: oneOf(HANDSHAKE_FAILURE_NAMES),
    limit: maybe(oneOf(OVER_LIMITS)),
    alert: maybe(word),
    detail: maybe(text),
    proxyAddress: maybe(word),
    serverName: maybe(serverName),
    alpn: maybe(texts),
    offeredVersions: maybe(texts),
    durationMs,
  } satisfies FieldsOf<HandshakeRecord>),
);

const ConnectionRecords = Compile(
  exactly({
    ...client,
    id: word,
    proxyAddress: maybe(word),
    uniqueId: maybe(text),
    virtualIp: word,
    serverName: maybe(serverName),
    tlsVersion: maybe(word),
    cipherSuite: maybe(word),
    group: maybe(word),
    alpn: maybe(serverName),
    resumed: maybe(Type.Boolean()),
    clientCertificate: maybe(subject),
    endpoint: maybe(text),
    endpointFailure: maybe(oneOf(ENDPOINT_FAILURE_NAMES)),
    handshakeMs: sinceAccept,
    connectMs: sinceAccept,
    firstByteMs: sinceAccept,
    durationMs: sinceAccept,
    bytesFromClient: count,
    bytesToClient: count,
    outcome: oneOf(CONNECTION_OUTCOME_NAMES),
  } satisfies FieldsOf<ConnectionRecord>),
);

type KnownListeners = Pick<ReadonlySet<ListenerName>, "has">;

/**
 * The message, or undefined if no sound worker sends it. `known` holds the listeners that the worker was
 * told of; counts of others are left out. A record that breaks a bound is dropped and counted as dropped: what is in
 * it comes from clients, whose doing must not bring a worker down.
 */
export function tryWorkerMessage(value: unknown, known: KnownListeners): ToControl | undefined {
  if (!Messages.Check(value)) return undefined;
  if (value.type === "counted") {
    const listeners = Object.entries(value.listeners).filter(([name]) => isKnown(name, known));
    return { type: "counted", listeners: Object.fromEntries(listeners) };
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
  const dropped = value.dropped + sent - handshakes.length - connections.length;
  return { type: "events", handshakes, connections, dropped };
}

const isKnown = (name: string, known: KnownListeners): boolean => known.has(name as ListenerName);
