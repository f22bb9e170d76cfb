import { vnicsOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { MAX_PROBLEMS } from "#model/document/schema-problems.ts";
import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import { virtualIpOf } from "./absence.ts";
import { addCommandOf, readNetworkFacts } from "./add-command.ts";

/** Warns of each vNIC that is down because this machine does not have its virtual IP. */
export function checkAddresses(
  document: Document,
  isAbsent: (ip: string) => boolean,
): readonly Problem[] {
  const places = vnicsOf(document)
    .filter(({ vnic }) => vnic.admin === "up" && isAbsent(virtualIpOf(vnic)))
    .slice(0, MAX_PROBLEMS);
  if (places.length === 0) return [];
  const facts = readNetworkFacts();
  return places.map(({ name, path, vnic }) => {
    const ip = virtualIpOf(vnic);
    const message = `This machine does not have the virtual IP ${ip}, so vNIC ${name} is down.`;
    const hint = `Run \`${addCommandOf(ip, facts)}\`. The vNIC then comes up by itself.`;
    return problemOf("address-not-local", `${path}.ip`, message, hint);
  });
}
