/** A start-up line that an operator should act on: in the log, and in the status for as long as the director runs. */
export interface Notice {
  readonly event: string;
  readonly text: string;
}
