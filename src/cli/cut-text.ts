import type { CutStatus } from "#model/records/cut-status.ts";
import { spanText } from "./spans.ts";

/** Returns which connections are cut, and `now` or `in 12 s`. */
export function cutTextOf(
  { profile, server, at }: CutStatus,
  nowMs: number,
): { readonly text: string; readonly inText: string } {
  const text =
    profile === undefined
      ? `connections to server ${server}`
      : `connections of profile ${profile} to servers that it has left`;
  return { text, inText: inTextOf(at, nowMs) };
}

/** Rounds up, so that the deadline has not passed when the time is over. */
export function inTextOf(at: string, nowMs: number): string {
  const leftMs = Math.ceil((Date.parse(at) - nowMs) / 1_000) * 1_000;
  return leftMs <= 0 ? "now" : `in ${spanText(leftMs)}`;
}
