import { once } from "node:events";
import type { SocketClient } from "./socket-client.ts";

/** What a peer says before it leaves; it may speak of its own socket. */
export type Speaker = (raw: SocketClient) => Buffer;

/** Each peer connects, speaks and resets while the worker is stopped: the kernel has accepted it, the worker has not. */
export async function leaveBeforeAccept(
  shop: { workerPid(): Promise<number> },
  connect: () => Promise<SocketClient>,
  speakers: readonly Speaker[],
): Promise<void> {
  const pid = await shop.workerPid();
  process.kill(pid, "SIGSTOP");
  try {
    for (const speak of speakers) {
      const raw = await connect();
      const bytes = speak(raw);
      if (bytes.length > 0) await raw.send(bytes);
      const closed = once(raw.socket, "close");
      raw.reset();
      await closed;
    }
  } finally {
    process.kill(pid, "SIGCONT");
  }
}
