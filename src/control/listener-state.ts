import type { ListenerPlace } from "#model/document/document-listeners.ts";
import { isError } from "#model/problem.ts";
import { certificateStateOf } from "./certificates/certificate-status.ts";
import { checkListenerUsage } from "./certificates/check-usage.ts";
import { defectOf, type DocumentInForce } from "./certificates/source-entry.ts";
import { materialOfListener, obstacleTo, type ListenerMaterial } from "./listener-material.ts";

/** A listener may have thousands of certificates. `tlsd show certificates` shows all problems. */
const MAX_REASONS = 3;

export interface ListenerState {
  /** `down` if the listener cannot be served, `impaired` if clients may be refused. */
  readonly state: "up" | "impaired" | "down";
  /** Why it is not up. */
  readonly reason?: string;
}

/** Computes the states of listeners from their certificates and CA bundles. */
export class ListenerStates {
  readonly #inForce: DocumentInForce;
  readonly #nowMs: number;

  constructor(inForce: DocumentInForce, nowMs: number) {
    this.#inForce = inForce;
    this.#nowMs = nowMs;
  }

  of(place: ListenerPlace): ListenerState {
    const { document, sources } = this.#inForce;
    const material = materialOfListener(place.listener, document);
    const obstacle = obstacleTo(material, sources);
    const misuse = checkListenerUsage(document, sources.certificates, place).filter(isError);
    const reasons = [...this.#reasons(material), ...misuse.map(({ message }) => message)];
    const reason = reasons.slice(0, MAX_REASONS).join("; ");
    if (obstacle !== undefined) return { state: "down", reason: reason || obstacle };
    return reason === "" ? { state: "up" } : { state: "impaired", reason };
  }

  #reasons({
    certificates,
    certificatesOfNames,
    trusts,
    endpointCertificate,
  }: ListenerMaterial): readonly string[] {
    const names = new Set([
      ...certificates,
      ...certificatesOfNames.map(({ name }) => name),
      ...(endpointCertificate === undefined ? [] : [endpointCertificate]),
    ]);
    return [
      ...[...names].flatMap((name) => this.#certificateReason(name) ?? []),
      ...trusts.flatMap(({ key, what }) => this.#trustReason(key, what) ?? []),
    ];
  }

  #certificateReason(name: string): string | undefined {
    const entry = this.#inForce.entries.certificates.get(name);
    if (entry === undefined) return undefined;
    const { state, problem } = certificateStateOf(entry, this.#nowMs);
    return state === "ok" || state === "refused" ? undefined : `certificate ${name}: ${problem}`;
  }

  #trustReason(key: string, what: string): string | undefined {
    const entry = this.#inForce.entries.trusts.get(key);
    const problem = entry && defectOf(entry, this.#nowMs);
    return problem === undefined ? undefined : `${what}: ${problem.message}`;
  }
}
