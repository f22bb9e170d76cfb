/** One end of the socket pair between the control process and a worker. */
export interface BytePipe {
  /** Sends all of `bytes`, which must not be changed any more. Returns false if the pipe is broken or closed. Never throws. */
  write(bytes: Buffer): boolean;
  /** Number of bytes that the kernel has not taken yet. */
  readonly waitingBytes: number;
  close(): void;
}

export interface PipeHandlers {
  /** `bytes` is valid only until the call returns. */
  onData(bytes: Buffer): void;
  /** Called when the kernel has taken all of the bytes that waited, if they were many. */
  onDrain(): void;
  /** Called once, when the stream has ended or is broken. No other call follows. */
  onClose(): void;
}
