import { vnicsOf } from "#model/document/document-listeners.ts";
import type { StateInForce } from "../change/change.ts";
import type { EventBus } from "../event-bus.ts";
import { NO_ABSENCES, virtualIpOf } from "./absence.ts";
import { readNetworkFacts, remedyOf } from "./add-command.ts";

/** A failover between directors changes all of their virtual IPs at the same time, which may be thousands. */
const MAX_EVENTS = 100;

/** Publishes an event for each vNIC whose virtual IP has disappeared or appeared. */
export function publishAddresses(
  before: Pick<StateInForce, "absences"> | undefined,
  after: Pick<StateInForce, "absences" | "document">,
  bus: EventBus,
): void {
  const old = before?.absences ?? NO_ABSENCES;
  const now = after.absences;
  if (old.size === 0 && now.size === 0) return;
  const changed = vnicsOf(after.document)
    .filter(({ vnic }) => vnic.admin === "up")
    .map(({ name, vnic }) => ({ vnic: name, ip: virtualIpOf(vnic) }))
    .filter(({ ip }) => old.get(ip)?.code !== now.get(ip)?.code)
    .slice(0, MAX_EVENTS);
  if (changed.length === 0) return;
  const facts = readNetworkFacts();
  for (const { vnic, ip } of changed) {
    const absence = now.get(ip);
    if (absence === undefined) bus.publish({ name: "address-appeared", vnic, ip });
    else {
      const remedy = remedyOf(ip, absence, facts);
      bus.publish({ name: "address-missing", vnic, ip, ...absence, remedy });
    }
  }
}
