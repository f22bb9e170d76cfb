import { connect, isIP, type NetConnectOpts, type Socket } from "node:net";
import { checkServerIdentity, connect as startTls, type SecureContext } from "node:tls";
import { socketAddressOf } from "#model/names.ts";
import type { CheckFailure } from "#model/records/outcome.ts";
import type { ProxyProtocol, SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { AddressRule } from "#control/check-new-endpoints.ts";
import type { CheckContexts } from "./check-contexts.ts";
import { connectFailureOf, tlsFailureOf } from "./check-failures.ts";
import { CheckLookups } from "./check-lookups.ts";
import { failed, type CheckResult, type Untried } from "./check-result.ts";
import type { CheckSettings, CheckTls } from "./check-settings.ts";

/** PROXY headers that announce no client (section 2.1 and 2.2 of the PROXY protocol). */
const HEADERS: Readonly<Record<Exclude<ProxyProtocol, "none">, Buffer>> = {
  v1: Buffer.from("PROXY UNKNOWN\r\n"),
  v2: Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex"),
};

type Stage = "connect" | "tls" | "http";
/** What has failed if the endpoint closes the connection. */
const CLOSED_IN = {
  ...{ connect: "reset", tls: "tls-failed", http: "bad-answer" },
} as const satisfies Readonly<Record<Stage, CheckFailure>>;

const lookups = new CheckLookups();

/**
 * Runs a check once, on a connection of its own. Everything up to the answer must be done within the timeout. `rule` is for the addresses
 * of a name.
 */
export async function runCheck(
  endpoint: SnapshotEndpoint,
  settings: CheckSettings,
  contexts: CheckContexts,
  rule: AddressRule,
): Promise<CheckResult | Untried> {
  const { tls, http, proxyProtocol } = settings;
  // undici takes longer to load than most of the director, and few directors need it.
  const askOverHttp = http && (await import("./http-check.ts")).askOverHttp;
  const context = tls && contexts.contextOf(tls);
  if (context !== undefined && "isUp" in context) return context;
  const { promise, resolve } = Promise.withResolvers<CheckResult | Untried>();
  let stage: Stage = "connect";
  const timer = setTimeout(
    () => resolve(failed(stage === "connect" ? "timeout" : "no-answer")),
    settings.timeoutMs,
  );
  const raw = connect(targetOf(endpoint, rule));
  let last = raw;
  const ask = (): void => {
    if (http === undefined || askOverHttp === undefined) return resolve({ isUp: true });
    stage = "http";
    askOverHttp(last, http.host ?? hostOf(endpoint, tls), http, resolve);
  };
  raw.on("error", (error) =>
    resolve(stage === "connect" ? connectFailureOf(error) : failed(CLOSED_IN[stage])),
  );
  raw.on("close", () => resolve(failed(CLOSED_IN[stage])));
  raw.on("connect", () => {
    if (proxyProtocol !== "none") raw.write(HEADERS[proxyProtocol]);
    if (tls === undefined || context === undefined) return ask();
    stage = "tls";
    last = secure(raw, context, tls, nameOf(endpoint, tls));
    last.on("error", (error) =>
      resolve(stage === "tls" ? tlsFailureOf(error) : failed(CLOSED_IN[stage])),
    );
    last.on("secureConnect", ask);
  });
  // A connection that is not used further need not read.
  if (tls === undefined && http === undefined) raw.pause();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    last.destroy();
    raw.destroy();
  }
}

function targetOf(endpoint: SnapshotEndpoint, rule: AddressRule): NetConnectOpts {
  switch (endpoint.kind) {
    case "tcp":
      return { host: endpoint.address, port: endpoint.port, autoSelectFamily: false };
    case "remote":
      return {
        ...{ host: endpoint.host, port: endpoint.port },
        lookup: lookups.lookupWithout((address) => rule(address, endpoint.port)),
      };
    case "unix":
      return { path: endpoint.path };
    default:
      return endpoint satisfies never;
  }
}

/** Returns the name that the certificate must have, as for a connection of a client. */
const nameOf = (endpoint: SnapshotEndpoint, { serverName }: CheckTls): string => {
  if (serverName !== undefined) return serverName;
  if (endpoint.kind === "tcp") return endpoint.address;
  return endpoint.kind === "remote" ? endpoint.host : endpoint.server;
};

function hostOf(endpoint: SnapshotEndpoint, tls: CheckTls | undefined): string {
  if (tls?.serverName !== undefined) return tls.serverName;
  if (endpoint.kind === "unix") return "localhost";
  return socketAddressOf(endpoint.kind === "tcp" ? endpoint.address : endpoint.host, endpoint.port);
}

const secure = (
  raw: Socket,
  secureContext: SecureContext,
  { verify }: CheckTls,
  serverName: string,
): Socket =>
  startTls({
    socket: raw,
    secureContext,
    // RFC 6066 section 3: a server name is not an address.
    servername: isIP(serverName) === 0 ? serverName : "",
    rejectUnauthorized: verify,
    checkServerIdentity: (_host, certificate) =>
      verify ? checkServerIdentity(serverName, certificate) : undefined,
  });
