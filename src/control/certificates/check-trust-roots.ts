import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { pathOf, problemOf } from "#model/problem.ts";
import { controlModeOf } from "../control-mode.ts";
import { trustKeyOf, type Sources } from "./sources.ts";

/** Warns of each CA bundle in which the chain of a CA does not end in a root, if both engines need that root. */
export function checkTrustRoots(document: Document, sources: Sources): readonly Problem[] {
  const check = (place: string, ca: string, crl: string | undefined, hint?: string) => {
    const unrooted = sources.trusts.get(trustKeyOf(ca, crl))?.unrootedCa;
    if (unrooted === undefined) return [];
    const message = `The CA ${unrooted} is not self-signed, and its issuer is not in the file. A chain must end in a self-signed CA of the file, so the certificates of this CA are refused.`;
    return [problemOf("ca-without-root", place, message, hint)];
  };
  return [
    ...Object.entries(document.policies).flatMap(([name, { clientAuth }]) => {
      const { mode, ca, crl, partialChain } = clientAuth;
      if (mode === "none" || ca === undefined || partialChain) return [];
      const hint = "Add the root CA to the file, or set `partialChain: true`.";
      return check(pathOf("policies", name, "clientAuth", "ca"), ca, crl, hint);
    }),
    ...listenersOf(document).flatMap(({ path, listener }) =>
      controlModeOf(listener)
        .endpointTrustsOf(listener)
        .flatMap(({ ca, path: place, isVerified }) =>
          ca === undefined || !isVerified ? [] : check(`${path}.${place}`, ca, undefined),
        ),
    ),
  ];
}
