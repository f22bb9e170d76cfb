import type { Server } from "node:http";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import { socketAddressOf } from "#model/names.ts";
import { DEMO_SITES, type DemoSite } from "./demo-names.ts";

// Not by import, as in build-http-app.ts: every start of a director loads this file.
const { createServer } = process.getBuiltinModule("node:http");

export interface DemoEndpoints {
  close(): Promise<void>;
}

/** Starts the servers of the demo: HTTP endpoints that reply with their name. Throws DirectorError if a port is in use. */
export async function startDemoEndpoints(
  sites: readonly DemoSite[] = DEMO_SITES,
): Promise<DemoEndpoints> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer));
  };
  try {
    for (const site of sites) servers.push(await startEndpoint(site));
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

async function startEndpoint(site: DemoSite): Promise<Server> {
  const { profile, server: name, endpointAddress, endpointPort } = site;
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end(
      `Hello from ${profile} on ${name}. The director terminated TLS; this server received plain HTTP/${request.httpVersion}.\n`,
    );
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(endpointPort, endpointAddress, resolve);
  try {
    await promise;
  } catch (error) {
    const isTaken = errorCodeOf(error) === "EADDRINUSE";
    throw new DirectorError(
      isTaken ? "address-in-use" : "demo-failed",
      `The demo endpoint of ${profile} needs ${socketAddressOf(endpointAddress, endpointPort)}.`,
      { cause: error },
    );
  }
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  await promise;
}
