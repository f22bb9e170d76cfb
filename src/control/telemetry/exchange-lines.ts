import { escapeControls } from "#model/escape-controls.ts";
import { vnicOfListener, type ListenerName } from "#model/names.ts";
import type { ExchangeRecord } from "#model/records/exchange-record.ts";
import { HTTP_OUTCOMES } from "#model/records/http-outcome.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { combinedLineOf } from "./combined-line.ts";
import type { Log } from "./log.ts";

/** The fields that clients or endpoints fill. */
const FOREIGN = [
  "requestId",
  "serverName",
  "clientCertificate",
  "method",
  "host",
  "path",
  "referer",
  "userAgent",
  "field",
] as const satisfies readonly (keyof ExchangeRecord)[];

/** Writes the access lines of exchanges, each in the format that its listener has. */
export class ExchangeLines {
  readonly #log: Pick<Log, "logger" | "writeLine">;
  readonly #listenersInForce: () => readonly SnapshotListener[];
  #seen: readonly SnapshotListener[] = [];
  /** The listeners of `#seen` that have lines in the combined format. */
  #combined: ReadonlySet<ListenerName> = new Set();

  constructor(
    log: Pick<Log, "logger" | "writeLine">,
    listenersInForce: () => readonly SnapshotListener[],
  ) {
    this.#log = log;
    this.#listenersInForce = listenersInForce;
  }

  exchange(record: ExchangeRecord): void {
    const { logger, writeLine } = this.#log;
    if (!logger.isLevelEnabled("info")) return;
    if (this.#isCombined(record.listener)) {
      writeLine(combinedLineOf(record));
      return;
    }
    const escaped = FOREIGN.flatMap((key) => {
      const value = record[key];
      return value === undefined ? [] : [[key, escapeControls(value)] as const];
    });
    logger.info(
      {
        event: "exchange",
        vnic: vnicOfListener(record.listener),
        ...record,
        ...Object.fromEntries(escaped),
      },
      HTTP_OUTCOMES[record.outcome],
    );
  }

  /** A listener that is not in force any more has lines in JSON. */
  #isCombined(listener: ListenerName): boolean {
    const listeners = this.#listenersInForce();
    if (listeners !== this.#seen) {
      this.#seen = listeners;
      const combined = listeners.filter(
        (one) => "http" in one && one.http.accessLogFormat === "combined",
      );
      this.#combined = new Set(combined.map(({ name }) => name));
    }
    return this.#combined.has(listener);
  }
}
