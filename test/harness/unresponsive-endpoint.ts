import { connect, type Socket } from "node:net";
import { startProcess } from "./child-process.ts";
import { withDeadline } from "./deadline.ts";
import { closeAtTestEnd } from "./lifetime.ts";

const listenerSource = `
  const server = require("node:net").createServer();
  server.listen({ host: process.argv[1], port: 0, backlog: 1 }, () => console.log(server.address().port));
`;
const fillers = 4;
const settleMs = 200;

/** An address whose connects neither succeed nor fail: a stopped process whose accept queue is full. */
export async function startUnresponsiveEndpoint(
  host = "127.0.0.1",
): Promise<{ readonly host: string; readonly port: number }> {
  const port = Promise.withResolvers<number>();
  const listener = await startProcess(process.execPath, ["-e", listenerSource, host], {
    onLine: (line) => port.resolve(Number(line)),
  });
  const sockets: Socket[] = [];
  closeAtTestEnd(async () => {
    for (const socket of sockets) socket.destroy();
    listener.child.kill("SIGKILL");
    await listener.exited;
  });
  const bound = await withDeadline(port.promise, 5_000, "the port of an unresponsive endpoint");
  listener.child.kill("SIGSTOP");
  for (let count = 0; count < fillers; count += 1) {
    const socket = connect({ host, port: bound });
    sockets.push(socket);
    socket.on("error", () => undefined);
    const connected = Promise.withResolvers<void>();
    socket.once("connect", () => connected.resolve());
    // The queue is full when a connect does not come through any more.
    await withDeadline(connected.promise, settleMs, "connect").catch(() => undefined);
  }
  return { host, port: bound };
}
