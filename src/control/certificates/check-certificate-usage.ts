import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import { controlModeOf } from "../control-mode.ts";
import type { Sources } from "./sources.ts";

const MESSAGE =
  "The extended key usage of this certificate lacks serverAuth, so clients refuse it (RFC 5280 section 4.2.1.12).";

/** Warns of certificates that listeners show to clients and that were not issued for servers. */
export function checkCertificateUsage(document: Document, sources: Sources): readonly Problem[] {
  return listenersOf(document).flatMap(({ path, listener }) =>
    (controlModeOf(listener).clientTlsOf(listener)?.certificates ?? []).flatMap((name, at) =>
      sources.certificates.get(name)?.isForServers === false
        ? [problemOf("key-usage", `${path}.certificates[${at}]`, MESSAGE)]
        : [],
    ),
  );
}
