import { listenersOf } from "#model/document/document-listeners.ts";
import type { ListenerName } from "#model/names.ts";
import type { DocumentInForce } from "./certificates/source-entry.ts";
import type { EventBus } from "./event-bus.ts";
import { ListenerStates, type ListenerState } from "./listener-state.ts";
import type { Notices } from "./notice.ts";

const TRUST_REFUSED = "trust-files-refused";
const LISTENERS_IMPAIRED = "listeners-impaired";
/** One expired CA bundle can impair thousands of listeners at the same time. */
const MAX_STATE_EVENTS = 100;

/** Publishes how certificates and CA bundles affect listeners. */
export class ListenerNotices {
  readonly #bus: EventBus;
  readonly #notices: Notices;
  /** The listeners that are not up because of their certificates or CA bundles. */
  #impaired: ReadonlyMap<ListenerName, ListenerState> = new Map();

  constructor(bus: EventBus, notices: Notices) {
    this.#bus = bus;
    this.#notices = notices;
  }

  /** To be called when the problems of certificates and CA bundles may have changed. */
  update(inForce: DocumentInForce | undefined): void {
    this.#noteRefusedTrust(inForce);
    if (inForce !== undefined) this.#noteImpaired(inForce);
  }

  /** CA bundles and revocation lists need a notice because, unlike certificates, they have no state in the status. */
  #noteRefusedTrust(inForce: DocumentInForce | undefined): void {
    const entries = [...(inForce?.entries.trusts.values() ?? [])];
    const refused = entries.flatMap(({ refusals }) => refusals.slice(0, 1));
    const [first] = refused;
    if (first === undefined) return this.#notices.clear(TRUST_REFUSED);
    this.#notices.raise({
      event: TRUST_REFUSED,
      text: `New CA or CRL files are refused (${refused.length}). ${first.path}: ${first.message}`,
    });
  }

  #noteImpaired(inForce: DocumentInForce): void {
    const states = new ListenerStates(inForce, Date.now());
    const impaired = new Map(
      listenersOf(inForce.document).flatMap((place) => {
        const state = states.of(place);
        return state.state === "up" ? [] : [[place.name, state] as const];
      }),
    );
    this.#publishStates(impaired);
    const [first] = impaired;
    if (first === undefined) return this.#notices.clear(LISTENERS_IMPAIRED);
    const [name, { state, reason }] = first;
    const text = `Listeners that cannot serve all clients: ${impaired.size}. ${name} is ${state}: ${reason}`;
    this.#notices.raise({ event: LISTENERS_IMPAIRED, text });
  }

  /** Publishes an event for each listener that has changed its state. */
  #publishStates(impaired: ReadonlyMap<ListenerName, ListenerState>): void {
    const before = this.#impaired;
    this.#impaired = impaired;
    const changed = [...impaired].filter(([name, { state, reason }]) => {
      const known = before.get(name);
      return known?.state !== state || known.reason !== reason;
    });
    const up = [...before.keys()]
      .filter((name) => !impaired.has(name))
      .map((name): [ListenerName, ListenerState] => [name, { state: "up" }]);
    for (const [listener, { state, reason }] of [...changed, ...up].slice(0, MAX_STATE_EVENTS)) {
      this.#bus.publish({ name: "listener-state", listener, state, reason });
    }
  }
}
