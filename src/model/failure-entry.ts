/** Which side caused the failure. */
export type FailureSource = "client" | "endpoint" | "director" | "operator";

export interface FailureEntry {
  readonly source: FailureSource;
  /** HTTP status of an API reply. */
  readonly status: number;
  readonly text: string;
  /** What to do next. */
  readonly hint: string;
}

export const entry = (
  source: FailureSource,
  status: number,
  text: string,
  hint: string,
): FailureEntry => ({
  source,
  status,
  text,
  hint,
});
