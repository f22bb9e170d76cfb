import type { Document } from "#model/document.ts";
import type { Problem } from "#model/failure.ts";
import { pathOf, problemOf } from "#model/problem.ts";
import type { Sources } from "./sources.ts";

const MESSAGE =
  "The extended key usage of this certificate lacks serverAuth, so clients refuse it (RFC 5280 section 4.2.1.12).";

/** Warns of certificates that listeners show to clients and that were not issued for servers. */
export function checkCertificateUsage(document: Document, sources: Sources): readonly Problem[] {
  return Object.entries(document.profiles).flatMap(([profile, { vnics }]) =>
    Object.entries(vnics).flatMap(([vnic, { listeners }]) =>
      listeners.flatMap(({ certificates }, index) =>
        certificates.flatMap((name, at) => {
          if (sources.certificates.get(name)?.isForServers !== false) return [];
          const place = ["profiles", profile, "vnics", vnic, "listeners", index] as const;
          return [problemOf("key-usage", pathOf(...place, "certificates", at), MESSAGE)];
        }),
      ),
    ),
  );
}
