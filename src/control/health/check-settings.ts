import { createHash } from "node:crypto";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { EndpointTls } from "#model/document/endpoint-options.ts";
import {
  statusRangesOf,
  type Health,
  type HealthOf,
  type StatusRange,
} from "#model/document/health.ts";
import { healthOf } from "#model/document/listener-health.ts";
import type { Listener } from "#model/document/listener.ts";
import { nameRoutesOf } from "#model/document/names-option.ts";
import { PRESETS, tryPolicy, type ResolvedPolicy } from "#model/document/policy.ts";
import type { Profile } from "#model/document/profile.ts";
import type { ListenerName } from "#model/names.ts";
import type { ProxyProtocol } from "#model/records/snapshot.ts";
import { durationMsOf } from "#model/units.ts";
import type { EndpointTrust } from "../control-mode.ts";

/** Shorter intervals and deadlines would occupy the control process without finding anything sooner. */
const MIN_INTERVAL_MS = 10;

/** What an active check does. Equal checks have equal settings, whichever way the document writes them. */
export interface CheckSettings {
  readonly type: Health["type"];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** The version of the PROXY header that the endpoint expects. The check sends one that announces no client. */
  readonly proxyProtocol: ProxyProtocol;
  /** Undefined if the check uses plaintext. */
  readonly tls: CheckTls | undefined;
  readonly http: CheckHttp | undefined;
}

export interface CheckTls {
  readonly verify: boolean;
  /** Undefined if it is the address of the endpoint. */
  readonly serverName: string | undefined;
  /** The path of the CA bundle. Undefined if it is the bundle of the system. */
  readonly ca: string | undefined;
  /** The name of the certificate that is presented. */
  readonly certificate: string | undefined;
  readonly policy: Pick<ResolvedPolicy, "minVersion" | "maxVersion" | "cipherSuites" | "groups">;
}

export interface CheckHttp {
  readonly method: "GET" | "HEAD" | "OPTIONS";
  readonly path: string;
  /** Undefined if it follows from the endpoint. */
  readonly host: string | undefined;
  readonly status: readonly StatusRange[];
  readonly body: string | undefined;
}

type Checked = Exclude<Listener, { readonly mode: "redirect" }>;

/**
 * Returns the settings of each listener of whose endpoints some are checked. They are the same for all that are: a listener without
 * settings of its own checks only the endpoints of routes that standby servers can serve.
 */
export const settingsByListener = (document: Document): ReadonlyMap<ListenerName, CheckSettings> =>
  new Map(
    listenersOf(document).flatMap(({ name, listener, owner: { profile } }) => {
      const settings =
        tryCheckSettings(listener, { profile, document }) ??
        settingsOfNames(listener, { profile, document });
      return settings === undefined ? [] : [[name, settings] as const];
    }),
  );

function settingsOfNames(
  listener: Listener,
  { profile: own, document }: CheckOwner,
): CheckSettings | undefined {
  if (!("names" in listener)) return undefined;
  for (const { profile: name, to } of nameRoutesOf(listener).values()) {
    const profile = name === undefined ? own : document.profiles[name];
    const settings = profile && tryCheckSettings({ ...listener, to }, { profile, document });
    if (settings !== undefined) return settings;
  }
  return undefined;
}

/** Returns the part of a compiled listener that says how its endpoints are checked. */
export function compileCheck(listener: Checked, owner: CheckOwner): { readonly check?: string } {
  const settings = tryCheckSettings(listener, owner);
  return settings === undefined ? {} : { check: nameOf(settings) };
}

/** Returns the CA bundle that only the check of the listener uses. */
export function trustsOfCheck({
  health,
  endpointTls,
}: {
  readonly health?: Health | undefined;
  readonly endpointTls?: EndpointTls | undefined;
}): readonly EndpointTrust[] {
  if (health?.type !== "tls" || !verifies(health, endpointTls)) return [];
  if (health.ca === undefined && endpointTls?.verify === true) return [];
  const ca = health.ca ?? endpointTls?.ca;
  return [{ ca, path: "health.ca", isVerified: true, isForCheck: true }];
}

/** The profile of a listener, and the document. */
interface CheckOwner {
  readonly profile: Profile;
  readonly document: Document;
}

function tryCheckSettings(
  listener: Listener,
  { profile, document }: CheckOwner,
): CheckSettings | undefined {
  const health = healthOf(listener, profile);
  if (listener.mode === "redirect" || health === undefined) return undefined;
  const { type, interval, timeout, rise, fall } = health;
  return {
    type,
    intervalMs: Math.max(durationMsOf(interval), MIN_INTERVAL_MS),
    timeoutMs: Math.max(durationMsOf(timeout), 1),
    ...{ rise, fall },
    proxyProtocol: "proxyProtocol" in listener ? listener.proxyProtocol : "none",
    tls: tryTls(listener, health, document),
    http: health.type === "http" ? httpOf(health) : undefined,
  };
}

/** An egress listener always uses TLS with its endpoint, and verifies it. */
const endpointTlsOf = ({ mode, endpointTls }: Checked): EndpointTls | undefined =>
  mode === "egress" ? { ...endpointTls, verify: true } : endpointTls;

const verifies = (health: Health, endpointTls: EndpointTls | undefined): boolean =>
  endpointTls?.verify !== false ||
  (health.type === "tls" && (health.ca ?? health.serverName) !== undefined);

function tryTls(listener: Checked, health: Health, { policies }: Document): CheckTls | undefined {
  const endpointTls = endpointTlsOf(listener);
  if (health.type === "tcp" || (health.type === "http" && endpointTls === undefined)) {
    return undefined;
  }
  const own: Pick<HealthOf<"tls">, "ca" | "serverName"> = health.type === "tls" ? health : {};
  const { minVersion, maxVersion, cipherSuites, groups } =
    tryPolicy(policies, listener.policy) ?? PRESETS.intermediate;
  return {
    verify: verifies(health, endpointTls),
    serverName: (own.serverName ?? endpointTls?.serverName)?.toLowerCase(),
    ca: own.ca ?? endpointTls?.ca,
    certificate: endpointTls?.certificate,
    policy: { minVersion, maxVersion, cipherSuites, groups },
  };
}

const httpOf = ({
  method,
  path,
  host,
  status,
  body,
}: Extract<Health, { readonly type: "http" }>): CheckHttp => ({
  ...{ method, path },
  host: host?.toLowerCase(),
  status: statusRangesOf(status),
  body,
});

/** Returns the name of the settings in snapshots and in messages to workers. */
const nameOf = (settings: CheckSettings): string =>
  createHash("sha256").update(JSON.stringify(settings)).digest("hex").slice(0, 24);
