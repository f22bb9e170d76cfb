/** The part of `process` and of `ChildProcess` that carries messages. */
interface IpcPeer {
  send?: ((message: object) => boolean) | undefined;
  readonly connected?: boolean | undefined;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
}

export interface Channel<Out, In> {
  /** False when the other side is gone; nothing is thrown. */
  send(message: Out): boolean;
  onMessage(listener: (message: In) => void): void;
  onClose(listener: () => void): void;
}

const isMessage = (value: unknown): value is { readonly type: string } =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

/**
 * Typed send and receive over process IPC. What is no message at all is dropped here; that a message's values are what
 * its type says is for the receiver to check, as the other side may be taken over.
 */
export function openChannel<Out extends object, In extends { readonly type: string }>(
  peer: IpcPeer,
): Channel<Out, In> {
  return {
    send(message) {
      if (peer.send === undefined || peer.connected === false) return false;
      try {
        peer.send(message);
        return true;
      } catch {
        return false;
      }
    },
    onMessage(listener) {
      peer.on("message", (message) => {
        if (isMessage(message)) listener(message as In);
      });
    },
    onClose(listener) {
      peer.on("disconnect", listener);
    },
  };
}
