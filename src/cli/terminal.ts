/** The output of a command. Only main.ts uses the streams of the process. */
export interface Terminal {
  readonly isInteractive: boolean;
  /** The width of the terminal. Undefined if standard output is not a terminal. */
  readonly columns?: number | undefined;
  /** The height of the terminal. Undefined if standard output is not a terminal. */
  readonly rows?: number | undefined;
  /** Which of both streams is a terminal that shows colours. NO_COLOR turns colours off. */
  readonly hasColours?: { readonly out: boolean; readonly err: boolean };
  out(text: string): void;
  err(text: string): void;
}
