import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { closeAtTestEnd } from "./lifetime.ts";

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Passes bytes on after this time. At most `windowBytes` are under way, as in a connection of TCP with such a window. */
function delayBytes(from: Socket, to: Socket, delayMs: number, windowBytes: number): void {
  let underWay = 0;
  from.on("data", (chunk: Buffer) => {
    underWay += chunk.length;
    if (underWay >= windowBytes) from.pause();
    setTimeout(() => {
      to.write(chunk, () => {
        underWay -= chunk.length;
        if (underWay < windowBytes) from.resume();
      });
    }, delayMs);
  });
  from.on("end", () => setTimeout(() => to.end(), delayMs));
  from.on("error", () => to.destroy());
  from.on("close", () => setTimeout(() => to.destroy(), 2 * delayMs));
}

/** Starts a proxy in this process through which each byte takes `delayMs`, in both directions. Returns its port. */
export async function startDelayingProxy(
  target: Target,
  { delayMs, windowBytes }: { readonly delayMs: number; readonly windowBytes: number },
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const far = connect({ ...target, allowHalfOpen: true });
    for (const socket of [client, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("close", () => sockets.delete(socket));
    }
    delayBytes(client, far, delayMs, windowBytes);
    delayBytes(far, client, delayMs, windowBytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeAtTestEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}
