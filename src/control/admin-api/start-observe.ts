import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError, type FailureCode } from "#model/failure.ts";
import { socketAddressOf } from "#model/names.ts";
import type { DirectorView } from "#control/director-view.ts";
import type { Logger } from "#control/telemetry/log.ts";
import { addProbeRoutes } from "./add-probe-routes.ts";
import { buildHttpApp } from "./build-http-app.ts";

export interface Observe {
  /** Where it listens, e.g. `127.0.0.1:9180`. */
  readonly address: string;
  close(): Promise<void>;
}

const FAILURE_OF_ERRNO: Readonly<Record<string, FailureCode>> = {
  EADDRINUSE: "address-in-use",
  EADDRNOTAVAIL: "address-not-available",
  EACCES: "address-not-permitted",
};

/**
 * Serves /metrics, /healthz and /readyz on TCP, without a token, and nothing else. `address` is `director.observe` of
 * the document. Throws `address-in-use`, `address-not-available`, `address-not-permitted`.
 */
export async function startObserve(options: {
  readonly address: string;
  readonly view: DirectorView;
  readonly log: Logger;
}): Promise<Observe> {
  const { address, view, log } = options;
  const { app } = buildHttpApp(log);
  addProbeRoutes(app, view);
  try {
    await app.listen(hostAndPortOf(address));
  } catch (error) {
    await app.close();
    const code = FAILURE_OF_ERRNO[errorCodeOf(error) ?? ""];
    if (code === undefined) throw error;
    throw new DirectorError(code, `The address is the one of director.observe: ${address}.`, {
      cause: error,
      path: "director.observe",
    });
  }
  const bound = app.server.address();
  return {
    address:
      bound === null || typeof bound === "string"
        ? address
        : socketAddressOf(bound.address, bound.port),
    close: () => app.close(),
  };
}

function hostAndPortOf(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const port = /^\d{1,5}$/.test(address.slice(colon + 1)) ? Number(address.slice(colon + 1)) : NaN;
  if (colon > 0 && port <= 65_535) return { host, port };
  throw new DirectorError("document-invalid", `director.observe is not address:port: ${address}.`, {
    path: "director.observe",
  });
}
