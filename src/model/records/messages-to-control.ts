/**
 * The messages that a worker sends to the control process. The types on both sides, and the validation in the control
 * process, derive from these schemas. A worker that sends anything else is killed.
 */
import Type, { type TProperties } from "typebox";
import { FailureCodeSchema } from "../failure-schema.ts";
import type { ListenerName } from "../names.ts";
import { count, oneOf, shape, type ShapeOf } from "../shape.ts";
import { CertificateReportSchema } from "./certificate-report.ts";
import { ConnectionRecordSchema } from "./connection-record.ts";
import { HandshakeRecordSchema } from "./handshake-record.ts";
import { SLOTS } from "./metric-catalog.ts";
import { MAX_LISTED, OpenConnectionSchema } from "./open-connection.ts";
import { ServerReportSchema } from "./server-report.ts";
import { longText, milliseconds } from "./record-fields.ts";

/** Greater than the number of records that a worker collects for one flush. */
export const MAX_RECORDS = 2_500;
/** Greater than the number of listeners that a worker puts into one message. */
const MAX_LISTENERS = 1_000;
/** Greater than the number of servers that a worker puts into one message. */
const MAX_SERVERS = 500;
/** Greater than the number of certificates that a worker puts into one message. */
const MAX_CERTIFICATES = 500;

const message = <Name extends string, Properties extends TProperties>(
  type: Name,
  properties: Properties,
  description: string,
) => shape({ type: Type.Literal(type), ...properties }, description);

const number = count("Number of the snapshot.");

/** Every message except `events` and `connections`. */
export const PlainMessageSchema = Type.Union([
  message(
    "ready",
    {
      protocol: count("The version of the messages that the worker uses."),
      runtime: longText("Version of the runtime and its TLS library."),
    },
    "The first message: the worker has started.",
  ),
  message(
    "heartbeat",
    {
      openConnections: count("Connections open now."),
      residentBytes: count("Resident memory."),
      loopDelayMs: milliseconds("How late this heartbeat is."),
    },
    "Sent each second.",
  ),
  message(
    "prepared",
    {
      number,
      lacksAddress: Type.Optional(
        Type.Boolean({
          description:
            "True if a listener is not open because the machine does not have its virtual IP, although the snapshot does not say so.",
        }),
      ),
    },
    "The worker can commit the snapshot.",
  ),
  message(
    "refused",
    { number, code: FailureCodeSchema, detail: longText("What is wrong, in a sentence.") },
    "The worker cannot use the snapshot, and has kept nothing of it.",
  ),
  message("committed", { number }, "The worker serves the snapshot."),
  message("rolled-back", { number }, "The worker has discarded the snapshot that it prepared."),
  message(
    "counted",
    {
      listeners: Type.Unsafe<Record<ListenerName, number[]>>(
        Type.Record(
          Type.String(),
          Type.Array(Type.Number({ minimum: 0 }), { maxItems: 2 * SLOTS.size }),
          { maxProperties: MAX_LISTENERS },
        ),
      ),
    },
    "What each listener has counted since the last such message, as flat pairs of slot and amount. Gauges are absolute.",
  ),
  message(
    "servers",
    { servers: Type.Array(ServerReportSchema, { maxItems: MAX_SERVERS }) },
    "What the worker has counted for servers since the last such message. Open connections are absolute.",
  ),
  message(
    "certificates",
    { certificates: Type.Array(CertificateReportSchema, { maxItems: MAX_CERTIFICATES }) },
    "What the worker has counted for certificates since the last such message.",
  ),
  message(
    "notice",
    {
      level: oneOf(["info", "warn", "error"], "Level of the line in the log."),
      text: longText("The notice in a sentence."),
    },
    "Something that an operator should read and that belongs to no connection.",
  ),
  message(
    "cut",
    {
      number: count("Number of the request."),
      cut: count("How many connections were cut."),
    },
    "The reply to `cut-connections`, when all of them are closed.",
  ),
  message(
    "cut-at-deadline",
    {
      number: count("Number of the planned cut."),
      cut: count("How many connections were cut."),
    },
    "The deadline of a planned cut has passed, and the connections are closed.",
  ),
  message(
    "proving",
    {
      number: count("Number of the request."),
      failure: Type.Optional(longText("Why the socket could not be opened, in a sentence.")),
    },
    "The reply to `prove`: the socket is open.",
  ),
  message("draining", {}, "Sent once after `drain`: the worker accepts no more connections."),
  message(
    "drained",
    { cut: count("Connections that were still open at the deadline, and were ended.") },
    "The drain has ended, and the worker exits.",
  ),
]);

export const EventsMessageSchema = message(
  "events",
  {
    handshakes: Type.Array(HandshakeRecordSchema, { maxItems: MAX_RECORDS }),
    connections: Type.Array(ConnectionRecordSchema, { maxItems: MAX_RECORDS }),
    dropped: count(
      "Records and access lines since the last message that were not sent, because they did not fit.",
    ),
  },
  "Records of failed handshakes, and of connections that have ended.",
);

export const ConnectionsMessageSchema = message(
  "connections",
  {
    number: count("Number of the request."),
    total: count("How many open connections match."),
    connections: Type.Array(OpenConnectionSchema, { maxItems: MAX_LISTED }),
  },
  "The reply to `list-connections`.",
);

export type ToControl =
  | ShapeOf<typeof PlainMessageSchema>
  | ShapeOf<typeof EventsMessageSchema>
  | ShapeOf<typeof ConnectionsMessageSchema>;
