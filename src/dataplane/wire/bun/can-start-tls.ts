import type { BunSocket, BunSockets } from "./native-api.ts";
import type { Connect } from "./connect.ts";

const DEADLINE_MS = 5_000;

/**
 * Resolves with true if TLS can be started on a socket of this engine. It opens a loopback connection to this process
 * to find out, and resolves with false if that fails.
 */
export async function canStartTls(bun: BunSockets, connect: Connect): Promise<boolean> {
  const ignore = { data() {}, drain() {}, end() {}, close() {}, error() {} };
  let listener: ReturnType<BunSockets["listen"]> | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    const { port } = (listener = bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      socket: ignore,
    }));
    const socket = await new Promise<BunSocket<unknown> | undefined>((resolve) => {
      const connecting = connect(
        { host: "127.0.0.1", port },
        { connected: resolve, failed() {}, closed: () => resolve(undefined) },
      );
      timer = setTimeout(() => connecting.destroy(), DEADLINE_MS);
    });
    const canUpgrade = typeof (socket as Partial<BunSocket<unknown>>)?.upgradeTLS === "function";
    socket?.terminate();
    return canUpgrade;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    listener?.stop(true);
  }
}
