import { combinedLineOf } from "./combined-line.ts";
import type { ExchangeFacts } from "./exchange-facts.ts";
import type { HttpConnection } from "./http-rules.ts";
import { jsonLineOf } from "./json-line.ts";

/** Writes the access line of an exchange, in the format that the listener has now. */
export function writeExchangeLine(connection: HttpConnection, facts: ExchangeFacts): void {
  const isCombined = connection.rules.spec.http.accessLogFormat === "combined";
  connection.plane.accessLines.add(
    isCombined ? combinedLineOf(connection.clientAddress, facts) : jsonLineOf(connection, facts),
  );
}
