/** Reads what a worker sent as one reads foreign input: a worker that was taken over says what it likes. */
import Type, { type TProperties, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { ConnectionRecord } from "#model/connection-record.ts";
import { FAILURES } from "#model/failure.ts";
import type { HandshakeRecord } from "#model/handshake-record.ts";
import { SLOTS } from "#model/metric-catalog.ts";
import type { ListenerName } from "#model/names.ts";
import {
  CONNECTION_OUTCOME_NAMES,
  ENDPOINT_FAILURE_NAMES,
  HANDSHAKE_FAILURE_NAMES,
  OVER_LIMITS,
} from "#model/outcome.ts";
import type { ToControl } from "#protocol/messages.ts";

const MAX_TEXT = 4_096;
const MAX_RECORDS = 10_000;
const MAX_LISTENERS = 100_000;

const exactly = (properties: TProperties) =>
  Type.Object(properties, { additionalProperties: false });
const oneOf = (values: readonly string[]) => Type.Enum([...values]);
const maybe = <Schema extends TSchema>(schema: Schema) => Type.Optional(schema);
const text = Type.String({ maxLength: MAX_TEXT });
const texts = Type.Array(Type.String({ maxLength: 255 }), { maxItems: 100 });
const amount = Type.Number({ minimum: 0 });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** Counted from accept; -1 where it did not come to it. */
const sinceAccept = Type.Number({ minimum: -1 });

const message = (type: ToControl["type"], rest: TProperties) =>
  exactly({ type: Type.Literal(type), ...rest });

const Messages = Compile(
  Type.Union([
    message("ready", { protocol: count, engine: oneOf(["bun", "node"]), runtime: text }),
    message("heartbeat", { openConnections: count, residentBytes: amount, loopDelayMs: amount }),
    message("prepared", { number: count }),
    message("refused", { number: count, code: oneOf(Object.keys(FAILURES)), detail: text }),
    message("committed", { number: count }),
    message("rolled-back", { number: count }),
    message("counted", {
      listeners: Type.Record(Type.String(), Type.Array(amount, { maxItems: 2 * SLOTS.size }), {
        maxProperties: MAX_LISTENERS,
      }),
    }),
    message("events", {
      handshakes: Type.Array(Type.Unknown(), { maxItems: MAX_RECORDS }),
      connections: Type.Array(Type.Unknown(), { maxItems: MAX_RECORDS }),
      dropped: count,
    }),
    message("notice", { level: oneOf(["info", "warn", "error"]), text }),
    message("draining", {}),
    message("drained", { cut: count }),
  ]),
);

const client = { atMs: amount, listener: text, clientAddress: text, clientPort: count };

const HandshakeRecords = Compile(
  exactly({
    ...client,
    failure: oneOf(HANDSHAKE_FAILURE_NAMES),
    limit: maybe(oneOf(OVER_LIMITS)),
    alert: maybe(text),
    detail: maybe(text),
    proxyAddress: maybe(text),
    serverName: maybe(text),
    alpn: maybe(texts),
    offeredVersions: maybe(texts),
    durationMs: amount,
  } satisfies Record<keyof HandshakeRecord, TSchema>),
);

const ConnectionRecords = Compile(
  exactly({
    ...client,
    id: text,
    proxyAddress: maybe(text),
    uniqueId: maybe(text),
    virtualIp: text,
    serverName: maybe(text),
    tlsVersion: maybe(text),
    cipherSuite: maybe(text),
    group: maybe(text),
    alpn: maybe(text),
    resumed: maybe(Type.Boolean()),
    clientCertificate: maybe(text),
    endpoint: maybe(text),
    endpointFailure: maybe(oneOf(ENDPOINT_FAILURE_NAMES)),
    handshakeMs: sinceAccept,
    connectMs: sinceAccept,
    firstByteMs: sinceAccept,
    durationMs: sinceAccept,
    bytesFromClient: amount,
    bytesToClient: amount,
    outcome: oneOf(CONNECTION_OUTCOME_NAMES),
  } satisfies Record<keyof ConnectionRecord, TSchema>),
);

/**
 * The message, or undefined where it is none that a sound worker sends. `known` holds the listeners that the worker was
 * told of; counts of others are left out. A record that breaks a bound is dropped and counted as dropped: what is in
 * it comes from clients, whose doing must not bring a worker down.
 */
export function tryWorkerMessage(
  value: unknown,
  known: ReadonlySet<ListenerName>,
): ToControl | undefined {
  if (!Messages.Check(value)) return undefined;
  const checked = value as ToControl;
  if (checked.type === "counted") {
    const listeners = Object.entries(checked.listeners).filter(([name]) => isKnown(name, known));
    return { type: "counted", listeners: Object.fromEntries(listeners) };
  }
  if (checked.type !== "events") return checked;
  const handshakes = checked.handshakes.filter(
    (record) => HandshakeRecords.Check(record) && isKnown(record.listener, known),
  );
  const connections = checked.connections.filter(
    (record) => ConnectionRecords.Check(record) && isKnown(record.listener, known),
  );
  const sent = checked.handshakes.length + checked.connections.length;
  const dropped = checked.dropped + sent - handshakes.length - connections.length;
  return { type: "events", handshakes, connections, dropped };
}

const isKnown = (name: string, known: ReadonlySet<ListenerName>): boolean =>
  known.has(name as ListenerName);
