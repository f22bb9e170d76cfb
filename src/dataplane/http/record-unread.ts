import { slotsByLabel } from "../observe/counters.ts";
import { unreadFactsOf, type UnreadRequest } from "./exchange-facts.ts";
import { writeExchangeLine } from "./exchange-line.ts";
import type { HttpConnection } from "./http-rules.ts";

const ENDED_SLOTS = slotsByLabel("tlsd_http_exchanges_ended_total");
const CLASS_SLOTS = slotsByLabel("tlsd_http_requests_total");
const REFUSED_SLOTS = slotsByLabel("tlsd_http_refused_total");

/** Counts a request that has no exchange, and writes its access line, so that its connection needs none. */
export function recordUnread(connection: HttpConnection, request: UnreadRequest): void {
  const { counters } = connection.listener;
  const { rule, outcome, status } = request;
  if (rule !== undefined) counters.add(REFUSED_SLOTS[rule]);
  counters.add(ENDED_SLOTS[outcome]);
  if (status > 0) counters.add(CLASS_SLOTS[status < 500 ? "4xx" : "5xx"]);
  connection.hasOwnLine = false;
  if (connection.isLogged) writeExchangeLine(connection, unreadFactsOf(request));
}
