import { once } from "node:events";
import { createServer } from "node:net";

/** A port that the system says is free on that address. */
export async function freePort(virtualIp: string): Promise<number> {
  const server = createServer().listen(0, virtualIp);
  await once(server, "listening");
  const bound = server.address();
  server.close();
  await once(server, "close");
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}
