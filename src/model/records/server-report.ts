import Type from "typebox";
import type { VnicName } from "../names.ts";
import { count, oneOf, shape, type ShapeOf } from "../shape.ts";
import { ENDPOINT_FAILURE_NAMES } from "./outcome.ts";
import { longText } from "./record-fields.ts";

/** What a worker reports of one vNIC and one server. */
export const ServerReportSchema = shape(
  {
    vnic: Type.Unsafe<VnicName>(longText("`<vnic>.<profile>`")),
    server: longText("Name of the server, or the remote host of an egress listener."),
    openConnections: count("Connections to its endpoints that are open now."),
    connects: count("Connections established since the last report."),
    failures: count("Attempts to connect that failed since the last report."),
    failuresInARow: count("Attempts that failed since a connection was last established."),
    lastFailure: Type.Optional(oneOf(ENDPOINT_FAILURE_NAMES, "Why the last of them failed.")),
  },
  "The connections of one vNIC to the endpoints of one server.",
);
export type ServerReport = ShapeOf<typeof ServerReportSchema>;
