import { createHash } from "node:crypto";
import type { Health } from "#model/document/endpoint-options.ts";
import type { Listener } from "#model/document/listener.ts";
import type { ListenerName } from "#model/names.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { durationMsOf } from "#model/units.ts";

/** What an active check does. Equal checks have equal settings, whichever way the document writes them. */
export interface CheckSettings {
  readonly type: Health["type"];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
}

/** Returns undefined if the endpoints of the listener are not checked. */
function checkSettingsOf(listener: Listener): CheckSettings | undefined {
  if (!("health" in listener) || listener.health === undefined) return undefined;
  const { type, interval, timeout, rise, fall } = listener.health;
  return {
    type,
    intervalMs: durationMsOf(interval),
    timeoutMs: durationMsOf(timeout),
    rise,
    fall,
  };
}

/** Returns the settings of each listener whose endpoints are checked. */
export const settingsByListener = (document: Document): ReadonlyMap<ListenerName, CheckSettings> =>
  new Map(
    listenersOf(document).flatMap(({ name, listener }) => {
      const settings = checkSettingsOf(listener);
      return settings === undefined ? [] : [[name, settings] as const];
    }),
  );

/** Returns the name of the settings in snapshots and in messages to workers. */
const checkNameOf = (settings: CheckSettings): string =>
  createHash("sha256").update(JSON.stringify(settings)).digest("hex").slice(0, 24);

/** Returns the part of a compiled listener that says how its endpoints are checked. */
export function compileCheck(listener: Listener): { readonly check?: string } {
  const settings = checkSettingsOf(listener);
  return settings === undefined ? {} : { check: checkNameOf(settings) };
}
