import { vnicOfListener } from "#model/names.ts";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import { escapeControls } from "#model/escape-controls.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import { CONNECTION_OUTCOMES, HANDSHAKE_FAILURES } from "#model/records/outcome.ts";
import type { Logger } from "./log.ts";

/** Bounds the log during a flood of failed handshakes. The metrics count all of them. */
const MAX_HANDSHAKE_LINES_PER_SECOND = 100;
const PERIOD_MS = 1_000;

/** Writes access lines and the lines of failed handshakes. */
export class RecordLines {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  #secondStartedMs = -Infinity;
  #written = 0;
  #unwritten = 0;
  /** Reports the lines that were left out even if no other handshake fails later. */
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Logger, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  connection(record: ConnectionRecord): void {
    const { serverName, alpn, clientCertificate } = record;
    this.#log.info(
      {
        event: "connection",
        vnic: vnicOfListener(record.listener),
        ...record,
        ...(serverName === undefined ? {} : { serverName: escapeControls(serverName) }),
        ...(alpn === undefined ? {} : { alpn: escapeControls(alpn) }),
        ...(clientCertificate === undefined
          ? {}
          : { clientCertificate: escapeControls(clientCertificate) }),
      },
      CONNECTION_OUTCOMES[record.outcome],
    );
  }

  failedHandshake(record: HandshakeRecord): void {
    if (!this.#mayWrite()) {
      this.#unwritten += 1;
      this.#timer ??= setTimeout(() => this.#tellUnwritten(), PERIOD_MS).unref();
      return;
    }
    const { serverName, alpn, detail } = record;
    this.#log.info(
      {
        event: "handshake-failed",
        vnic: vnicOfListener(record.listener),
        ...record,
        ...(serverName === undefined ? {} : { serverName: escapeControls(serverName) }),
        ...(alpn === undefined ? {} : { alpn: alpn.map(escapeControls) }),
        ...(detail === undefined ? {} : { detail: escapeControls(detail) }),
      },
      HANDSHAKE_FAILURES[record.failure],
    );
  }

  #mayWrite(): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - this.#secondStartedMs >= PERIOD_MS) {
      this.#secondStartedMs = nowMs;
      this.#written = 0;
      this.#tellUnwritten();
    }
    this.#written += 1;
    return this.#written <= MAX_HANDSHAKE_LINES_PER_SECOND;
  }

  #tellUnwritten(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#unwritten === 0) return;
    this.#log.warn(
      { event: "handshakes-not-logged", count: this.#unwritten },
      "Too many handshakes failed to log each of them. `tlsd show handshakes --failed` and the metrics include the others.",
    );
    this.#unwritten = 0;
  }
}
