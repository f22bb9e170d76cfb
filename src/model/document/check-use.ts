import { certificatesOf } from "./check-listener.ts";
import { listenersOf, vnicsOf } from "./document-listeners.ts";
import type { Document } from "./document.ts";
import type { Problem } from "../failure.ts";
import { pathOf, problemOf } from "../problem.ts";
import { MAX_PROBLEMS } from "./schema-problems.ts";

/** Warns of certificates that nothing refers to, and of vNICs that have no listener. */
export function checkUse(document: Document): readonly Problem[] {
  const vnics = vnicsOf(document);
  const used = new Set<string>();
  for (const { listener } of listenersOf(document)) {
    for (const name of certificatesOf(listener)) used.add(name);
  }
  const unused = Object.keys(document.certificates).filter((name) => !used.has(name));
  const warnings = [
    ...vnics
      .filter(({ vnic }) => vnic.listeners.length === 0)
      .map(({ path, name }) =>
        problemOf(
          "vnic-without-listeners",
          `${path}.listeners`,
          `vNIC ${name} has no listener, so no client can connect to it.`,
        ),
      ),
    ...unused.map((name) =>
      problemOf(
        "unused-certificate",
        pathOf("certificates", name),
        "No listener uses the certificate, neither for clients nor for endpoints.",
      ),
    ),
  ];
  return warnings.slice(0, MAX_PROBLEMS);
}
