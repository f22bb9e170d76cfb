import type { Notices } from "#control/notice.ts";

/** Events of the notices that stand while a file cannot be written. */
export const STATE_UNWRITABLE = "state-unwritable";
export const RECORD_UNWRITABLE = "worker-record-unwritable";
export const STANDBY_UNSAVED = "standby-unsaved";
export const LOG_UNWRITABLE = "log-unwritable";

const SENTENCES = {
  [STATE_UNWRITABLE]:
    "The state cannot be saved. Changes of the document are refused; everything else continues.",
  [RECORD_UNWRITABLE]: "The record of workers cannot be written. Everything else continues.",
  [STANDBY_UNSAVED]:
    "It cannot be saved which profiles are on standby. They stay so, but not after a restart of the director.",
  [LOG_UNWRITABLE]:
    "The log cannot be written. Its lines wait in memory, and are dropped above 16 MiB; everything else continues. " +
    "Make room where standard output goes.",
} as const;

/** Handlers for the writer of a file that the director can serve without. */
export interface Trouble {
  /** Called whenever the file cannot be written. */
  readonly onTrouble: (detail: string) => void;
  /** Called whenever the file has been written. */
  readonly onSound: () => void;
}

export const troubleOf = (notices: Notices, event: keyof typeof SENTENCES): Trouble => ({
  onTrouble: (detail) => notices.raise({ event, text: `${SENTENCES[event]} ${detail}` }),
  onSound: () => notices.clear(event),
});
