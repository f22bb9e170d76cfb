import { changeLines } from "#model/document/change-lines.ts";
import type { VersionChange } from "#model/records/certificate-version.ts";
import { socketAddressOf } from "#model/names.ts";
import { openListenersOf } from "#control/change/change-effect.ts";
import type { ChangeResult, StateInForce } from "#control/change/change.ts";
import type { DirectorEvent } from "#control/director-event.ts";
import { keysThatDiffer } from "#control/patched-map.ts";
import type { Logger } from "./log.ts";
import type { RecordLines } from "./record-lines.ts";

type EventNamed<Name extends DirectorEvent["name"]> = Extract<
  DirectorEvent,
  { readonly name: Name }
>;

/** Writes an event into the log. Names and fields of the lines are stable. */
export function logEvent(event: DirectorEvent, log: Logger, lines: RecordLines): void {
  const { name, ...facts } = event;
  switch (event.name) {
    case "ready":
      return log.info({ event: name, ...facts }, "The director is ready.");
    case "draining":
      return log.info(
        { event: name, ...facts },
        "The director is draining: it accepts no new connections and waits for the open ones to end.",
      );
    case "stopped": {
      const text =
        event.cut === undefined
          ? "The director has stopped without waiting for connections to end."
          : "The director has stopped.";
      return log.info({ event: name, ...facts }, text);
    }
    case "change-applied":
      return logApplied(event, log);
    case "change-unchanged": {
      if (event.kind !== "document") return;
      const numbers = numbersOf(event.result.after);
      const unchanged = { event: "document-unchanged", ...numbers, ...originOf(event) };
      return log.info(unchanged, "The document has not changed.");
    }
    case "change-refused": {
      const failure = event.refusal.toShape();
      const refused = REFUSALS[event.kind];
      // An internal error is not a mistake of the operator, so its stack is logged.
      const cause =
        failure.code === "internal" ? { err: event.refusal.cause ?? event.refusal } : {};
      const line = { event: refused, ...failure, ...originOf(event), ...cause };
      // A client of the API gets the reason, and many of them could fill the log.
      const isTold = event.by.origin === "socket" && failure.code !== "internal";
      return isTold ? log.info(line, failure.message) : log.error(line, failure.message);
    }
    case "document-warning":
    case "certificate-warning":
      return log.warn({ event: name, ...event.problem }, event.problem.message);
    case "listener-state": {
      const text = `Listener ${event.listener} is ${event.state}${event.reason === undefined ? "" : `: ${event.reason}`}.`;
      return event.state === "up"
        ? log.info({ event: name, ...facts }, text)
        : log.warn({ event: name, ...facts }, text);
    }
    case "address-missing": {
      const remedy = event.remedy === undefined ? "" : ` Add it: ${event.remedy}`;
      const text = `vNIC ${event.vnic} is down. ${event.reason}${remedy}`;
      return log.warn({ event: name, ...facts }, text);
    }
    case "address-appeared":
      return log.info(
        { event: name, ...facts },
        `The listeners of vNIC ${event.vnic} are open on ${event.ip}.`,
      );
    case "worker-lacks-address":
      return log.warn(
        { event: name, ...facts },
        `A virtual IP disappeared before worker ${event.worker} could listen on it.`,
      );
    case "certificate-refused":
      return log.error({ event: name, ...event.problem }, event.problem.message);
    case "restart-needed": {
      const text = "Settings under `director` have changed; they take effect at the next start.";
      return log.warn({ event: name }, text);
    }
    case "worker-ready":
      return log.info({ event: name, ...facts }, `Worker ${event.worker} is up.`);
    case "worker-gone":
      return event.cause === undefined
        ? log.info({ event: name, ...facts }, `Worker ${event.worker} has exited.`)
        : log.error(
            { event: name, ...facts },
            `Worker ${event.worker} has ended unexpectedly: ${event.cause}.`,
          );
    case "worker-refused":
      return logRefusal(event, log);
    case "certificate-unproven": {
      const { isReplaced, ...fields } = event;
      const end = isReplaced ? "The worker is being replaced." : "The worker stays in use.";
      const text = `Worker ${event.worker} did not show the new version of certificate ${event.certificate}. ${event.reason} ${end}`;
      return log.error({ ...fields, event: name, name: undefined }, text);
    }
    case "worker-notice":
      return log[event.level]({ event: name, worker: event.worker }, event.text);
    case "state-converted": {
      const text = `The ${event.revisions} revisions of an earlier version are kept in a new way.`;
      return log.info({ event: name, ...facts }, text);
    }
    case "workers-replaced":
      return log.info({ event: name }, "All workers have been replaced.");
    case "workers-not-replaced":
      return log.error({ event: name, err: event.error }, String(event.error));
    case "orphans-found":
      return log.warn(
        { event: name, ...facts },
        "Workers of an earlier director that was killed are still running. They drain and exit.",
      );
    case "worker-record-unwritten":
      return log.warn({ event: name, ...facts }, "The record of workers could not be written.");
    case "supervision-mistake":
      return log.error(
        { event: "internal", ...facts },
        "Internal error in the supervision of the workers.",
      );
    case "handshakes-failed":
      for (const record of event.handshakes) lines.failedHandshake(record);
      return;
    case "endpoints-down": {
      if (event.down.length === 0) {
        return log.info({ event: name, ...facts }, "No endpoint is down.");
      }
      const down = event.endpoints.map(
        ({ server, endpoint, vnics }) => `${server} ${endpoint} (${vnics.join(", ")})`,
      );
      return log.warn({ event: name, ...facts }, `Endpoints down: ${down.join(", ")}.`);
    }
    case "connections-cut":
      return log.info({ event: name, ...facts }, `An operator cut ${event.cut} connections.`);
    case "cut-planned": {
      const text = `Open ${connectionsOf(event)} are cut in ${event.inMs / 1_000} s.`;
      return log.info({ event: name, ...facts }, text);
    }
    case "cut-taken-back": {
      const text = `Open ${connectionsOf(event)} go on, because the reason to cut them is gone.`;
      return log.info({ event: name, ...facts }, text);
    }
    case "cut-done": {
      const text = `The deadline of ${connectionsOf(event)} has passed: ${event.cut} were cut.`;
      return log.info({ event: name, ...facts }, text);
    }
    case "server-state": {
      const reason = event.reason === undefined ? "" : ` ${event.reason}`;
      const text = `Server ${event.server} is ${event.oper}.${reason}`;
      return event.oper === "down" || event.oper === "degraded" || event.oper === "failing"
        ? log.warn({ event: name, ...facts }, text)
        : log.info({ event: name, ...facts }, text);
    }
    case "standby-took-over": {
      const text = `Standby servers serve profile ${event.profile}. ${event.reason ?? ""}`.trim();
      return log.warn({ event: name, ...facts }, text);
    }
    case "standby-gave-back":
      return log.info(
        { event: name, ...facts },
        `The servers of profile ${event.profile} serve again.`,
      );
    case "flapping-began":
      return log.warn(
        { event: name, ...facts },
        `The servers of profile ${event.profile} are flapping. They serve again only when they have been up for a minute.`,
      );
    case "flapping-ended":
      return log.info(
        { event: name, ...facts },
        `The servers of profile ${event.profile} have stopped flapping.`,
      );
    case "master-key-set": {
      const text = `Master key ${event.id} in ${event.place} is in use. Private keys that were changed to it: ${event.rewrapped}.`;
      return log.info({ event: name, ...facts }, text);
    }
    case "notice-raised":
      return log.warn({ event: event.notice.event }, event.notice.text);
    case "notice-over":
      return log.info({ event: name, ...facts }, `The notice ${event.notice} no longer applies.`);
    // These are counted in the metrics and not logged.
    case "worker-restarted":
    case "endpoint-checked":
      return;
    default:
      event satisfies never;
  }
}

const REFUSALS = {
  document: "document-refused",
  certificates: "certificate-refused",
  addresses: "addresses-refused",
} as const;

const connectionsOf = ({
  profile,
  server,
}: Pick<EventNamed<"cut-done">, "profile" | "server">): string =>
  profile === undefined
    ? `connections to server ${server}`
    : `connections of profile ${profile} to servers that it has left`;

const numbersOf = ({ revision, compiled }: StateInForce) => ({
  revision,
  snapshot: compiled.snapshot.number,
});

const originOf = ({ by, reason }: Pick<EventNamed<"change-applied">, "by" | "reason">) => ({
  by,
  ...(reason === undefined ? {} : { reason }),
});

function logApplied(event: EventNamed<"change-applied">, log: Logger): void {
  logVersions(event, log);
  switch (event.kind) {
    case "document":
      return logDocument(event, log);
    case "certificates":
      return logCertificates(event, log);
    case "addresses":
      // The events of addresses say what has changed.
      return logListening(event.result, log);
    default:
      event.kind satisfies never;
  }
}

function logDocument(event: EventNamed<"change-applied">, log: Logger): void {
  const { result, seconds } = event;
  logListening(result, log);
  const numbers = numbersOf(result.after);
  const changes = changeLines(result.changes());
  const text = `Revision ${numbers.revision} of the document is in force.`;
  const proof = proofOf(result);
  log.info(
    { event: "document-applied", ...numbers, seconds, ...originOf(event), changes, ...proof },
    text,
  );
}

const proofOf = ({ proof, endsSessionsOf }: ChangeResult) => ({
  ...(proof === undefined ? {} : { proof }),
  ...(endsSessionsOf === undefined ? {} : { sessionsEnded: true }),
});

/** Writes a line for each new listener. */
function logListening({ before, after }: ChangeResult, log: Logger): void {
  const known = new Set(
    before && openListenersOf(before.compiled.snapshot).map(({ name }) => name),
  );
  for (const { name, virtualIp, port, mode } of openListenersOf(after.compiled.snapshot)) {
    if (known.has(name)) continue;
    const address = socketAddressOf(virtualIp, port);
    const text = `${name} listens on ${address}.`;
    log.info({ event: "listening", listener: name, address, mode }, text);
  }
}

function logCertificates({ result, seconds }: EventNamed<"change-applied">, log: Logger): void {
  const { before, after } = result;
  if (after === before) return;
  const known = before?.sources.certificates;
  const now = after.sources.certificates;
  const differing = known && keysThatDiffer(known, now);
  const certificates = [...(differing ?? now.keys())].filter(
    (name) => now.get(name) !== undefined && known?.get(name)?.id !== now.get(name)?.id,
  );
  // A listener that the director started without may have got its certificate.
  logListening(result, log);
  const { snapshot } = numbersOf(after);
  log.info(
    { event: "certificate-changed", certificates, snapshot, seconds, ...proofOf(result) },
    `New handshakes use the new versions of ${certificates.join(", ") || "the CAs"}.`,
  );
}

const STATE_TEXTS = {
  pending: "waits for a CA to sign its request",
  staged: "is kept and not served yet",
  active: "is active",
  previous: "is not active any more",
  removed: "is removed",
} as const satisfies Readonly<Record<VersionChange["state"], string>>;

/** Writes a line for each version of a certificate that came or became active. The line names the author. */
function logVersions(event: EventNamed<"change-applied">, log: Logger): void {
  for (const { name: certificate, notes: _, ...facts } of event.result.versions) {
    const text = `Version ${facts.version} of certificate ${certificate} ${STATE_TEXTS[facts.state]}.`;
    log.info({ event: "certificate-version", certificate, ...facts, ...originOf(event) }, text);
  }
}

function logRefusal({ worker, refusal, probe }: EventNamed<"worker-refused">, log: Logger): void {
  const facts = { event: "worker-refused", worker, ...refusal?.toShape() };
  if (probe === undefined) return log.error(facts, "The worker refused the snapshot in force.");
  if (probe !== "took") return log.warn({ ...facts, probe }, "The change is refused.");
  const text =
    "The worker refused a change that a fresh worker accepts. The worker is being replaced.";
  log.error({ ...facts, probe }, text);
}
