/** The interface of the rules of a mode, and rules that several modes share. */
import { parseCidr } from "../addresses/cidr.ts";
import type { Problem } from "../failure.ts";
import type { VnicName } from "../names.ts";
import { problemOf, quoted } from "../problem.ts";
import { tryDidYouMean } from "./closest-name.ts";
import type { ListenerPlace } from "./document-listeners.ts";
import type { Document } from "./document.ts";
import type { Listener } from "./listener.ts";
import { isPresetName } from "./policy.ts";

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
  check(context: ListenerContext<OfMode>): readonly Problem[];
}

export function checkCertificateName(
  document: Document,
  path: string,
  name: string,
): readonly Problem[] {
  if (Object.hasOwn(document.certificates, name)) return [];
  const hint = tryDidYouMean(name, Object.keys(document.certificates));
  return [problemOf("unknown-certificate", path, `There is no certificate ${quoted(name)}.`, hint)];
}

export function checkPolicyName({
  document,
  path,
  listener: { policy },
}: ListenerContext<Extract<Listener, { readonly policy: string }>>): readonly Problem[] {
  if (isPresetName(policy) || Object.hasOwn(document.policies, policy)) return [];
  const known = ["modern", "intermediate", ...Object.keys(document.policies)];
  const message = `There is no policy ${quoted(policy)}.`;
  return [problemOf("unknown-policy", `${path}.policy`, message, tryDidYouMean(policy, known))];
}

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
