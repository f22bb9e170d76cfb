/** Where a command prints. Only main.ts knows the process. */
export interface Terminal {
  readonly isInteractive: boolean;
  out(text: string): void;
  err(text: string): void;
}
