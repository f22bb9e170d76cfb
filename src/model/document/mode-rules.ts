/** The interface of the rules of a mode, and rules that several modes share. */
import { parseCidr } from "../addresses/cidr.ts";
import type { Problem } from "../failure.ts";
import type { VnicName } from "../names.ts";
import { problemOf, quoted } from "../problem.ts";
import type { ListenerPlace } from "./document-listeners.ts";
import type { Document } from "./document.ts";
import { checkKnownName } from "./known-names.ts";
import type { Listener } from "./listener.ts";

/** A listener, its place in the document, and the data to look up the names that it uses. */
export interface ListenerContext<OfMode extends Listener = Listener> extends ListenerPlace<OfMode> {
  readonly document: Document;
  /** Maps `address:port` of each listener of the director to the vNIC that it belongs to. */
  readonly ownListeners: ReadonlyMap<string, VnicName>;
}

/** The rules of a mode that its schema cannot express. */
export interface ModeRules<OfMode extends Listener> {
  /** Whether a listener of the mode has no effect in a profile without a server. */
  readonly needsServer: boolean;
  /** Returns the names of the certificates that a listener refers to. */
  certificatesOf(listener: OfMode): readonly string[];
  /** Returns the hosts and ports of the endpoints. */
  targetsOf(place: TargetPlace<OfMode>): readonly Target[];
  check(context: ListenerContext<OfMode>): readonly Problem[];
}

/** `place` is the path of the setting that leads to it, relative to the listener. It is `to` by default. */
export type Target = readonly [host: string, port: number, place?: string];

/** A listener, and the data to look up its servers. */
export type TargetPlace<OfMode extends Listener = Listener> = Pick<
  ListenerContext<OfMode>,
  "document" | "owner" | "listener"
>;

export const checkPolicyName = ({
  document,
  path,
  listener: { policy },
}: ListenerContext<Extract<Listener, { readonly policy: string }>>): readonly Problem[] =>
  checkKnownName(document, "policies", `${path}.policy`, policy);

/** Refuses an entry that is in the list before it. */
export const checkUnique = (path: string, list: readonly string[]): readonly Problem[] => {
  const known = new Set<string>();
  return list.flatMap((entry, index) => {
    if (!known.has(entry)) {
      known.add(entry);
      return [];
    }
    const message = `${quoted(entry)} is in the list already.`;
    return [problemOf("bad-value", `${path}[${index}]`, message, "Remove it.")];
  });
};

export function checkCidrs(path: string, cidrs: readonly string[]): readonly Problem[] {
  return cidrs.flatMap((text, index) => {
    try {
      parseCidr(text);
      return [];
    } catch (error) {
      const sentence = error instanceof Error ? error.message : "";
      const message = sentence.replace(JSON.stringify(text), () => quoted(text));
      return [problemOf("bad-cidr", `${path}[${index}]`, message)];
    }
  });
}
