/** One end of the socket pair between the control process and a worker. */
export interface BytePipe {
  /** Takes all of `bytes`, which must not change any more. False once the pipe is broken or closed; it never throws. */
  write(bytes: Buffer): boolean;
  /** Bytes that the kernel has not taken yet. */
  readonly waitingBytes: number;
  close(): void;
}

export interface PipeHandlers {
  /** `bytes` may be used until the call returns. */
  onData(bytes: Buffer): void;
  /** Once, at the end of the stream or when it broke. Nothing comes after it. */
  onClose(): void;
}
