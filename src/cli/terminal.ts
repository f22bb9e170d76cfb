/** The output of a command. Only main.ts uses the streams of the process. */
export interface Terminal {
  readonly isInteractive: boolean;
  out(text: string): void;
  err(text: string): void;
}
