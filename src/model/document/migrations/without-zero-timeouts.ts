/** Timeouts of zero, which documents could have before they were refused. */
import { isJsonMap, type Json } from "../../json.ts";
import type { WrittenDocument } from "../written-document.ts";

/** The keys of a listener that hold timeouts, and for each the timeouts for which zero was accepted and is not any more. */
const TIMEOUTS: Readonly<Record<string, readonly string[]>> = {
  timeouts: ["handshake", "connect", "idle", "halfClosed", "head", "answer", "upgraded"],
  health: ["interval", "timeout"],
};
const ZERO = /^0(ms|s|m|h)$/;
/** What zero has amounted to. */
const LEAST = "1ms";

/** Replaces timeouts of zero by the shortest, so that a stored document stays valid. Parts without such a timeout stay the same objects. */
export function withoutZeroTimeouts(document: WrittenDocument): WrittenDocument {
  const { profiles } = document;
  if (profiles === undefined) return document;
  const after = changedAll(profiles, (profile) =>
    changed(profile, "vnics", (vnics) =>
      changedAll(vnics, (vnic) => changed(vnic, "listeners", changedListeners)),
    ),
  );
  return after === profiles || !isJsonMap(after) ? document : { ...document, profiles: after };
}

type Change = (value: Json) => Json;

function changed(value: Json, key: string, change: Change): Json {
  if (!isJsonMap(value) || !Object.hasOwn(value, key)) return value;
  const before = value[key];
  if (before === undefined) return value;
  const after = change(before);
  return after === before ? value : { ...value, [key]: after };
}

const changedAll = (map: Json, change: Change): Json =>
  isJsonMap(map)
    ? Object.keys(map).reduce<Json>((result, name) => changed(result, name, change), map)
    : map;

function changedListeners(listeners: Json): Json {
  if (!Array.isArray(listeners)) return listeners;
  const after = listeners.map((listener: Json) => changedListener(listener));
  return after.some((listener, at) => listener !== listeners[at]) ? after : listeners;
}

const changedListener: Change = (listener) =>
  Object.entries(TIMEOUTS).reduce<Json>(
    (result, [key, names]) =>
      changed(result, key, (timeouts) =>
        names.reduce<Json>((map, name) => changed(map, name, positive), timeouts),
      ),
    listener,
  );

const positive: Change = (value) => (typeof value === "string" && ZERO.test(value) ? LEAST : value);
