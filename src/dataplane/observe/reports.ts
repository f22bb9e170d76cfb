import type { ListenerName } from "#model/names.ts";
import type { Channel } from "#protocol/channel.ts";
import type { ToControl } from "#protocol/messages.ts";
import type { CertificateCounts } from "./certificate-counts.ts";
import type { ServersFigures } from "./server-figures.ts";
import type { Counters } from "./counters.ts";
import type { Events } from "./recorder.ts";

type Message<Name extends ToControl["type"]> = Extract<ToControl, { readonly type: Name }>;

const MIB = 1_048_576;
/** How many bytes are sent between two heartbeats, which is one second. The control process allows twice as much. */
const MAX_EVENT_BYTES = 4 * MIB;
/** Only failed handshakes may use this in addition, so that a flood of access lines does not displace them. */
const MAX_HANDSHAKE_BYTES = 2 * MIB;
const MAX_COUNT_BYTES = 4 * MIB;
const MAX_NOTICES = 20;
/**
 * Listeners in one message. The message is far below the maximum frame size even if every slot of each listener is
 * filled.
 */
const LISTENERS_A_MESSAGE = 200;
/** A name has at most 4,096 characters, and nearly always far fewer. */
const SERVERS_A_MESSAGE = 100;
const CERTIFICATES_A_MESSAGE = 200;
/** Counts are not sent while more bytes than this wait in the channel, in which access lines may have half of them. */
const MAX_WAITING_BYTES = 2 * MIB;

export interface ReportsParts {
  readonly channel: Pick<Channel<ToControl>, "send" | "sentBytes" | "waitingBytes">;
  readonly counters: Counters;
  readonly servers: ServersFigures;
  readonly certificates: CertificateCounts;
  /** Adds the bytes of open connections since the last call to `counters`. */
  readonly countOpen: () => void;
  /** Listeners whose counters are kept even if they have counted nothing. */
  readonly listenerNames: () => ReadonlySet<ListenerName>;
}

/**
 * The messages that a worker sends on its own initiative. They need no additional memory if the control process does
 * not read them: records and heartbeats are dropped, and counts stay in the counters.
 */
export class Reports {
  readonly #parts: ReportsParts;
  #eventBytes = 0;
  #notices = 0;
  #dropped = 0;

  constructor(parts: ReportsParts) {
    this.#parts = parts;
  }

  /** Must be called once a second. */
  beat(heartbeat: Message<"heartbeat">): void {
    this.#eventBytes = 0;
    this.#notices = 0;
    this.#parts.channel.send(heartbeat);
    this.count();
    if (this.#dropped > 0) this.#sendEvents(NO_RECORDS);
  }

  count(): void {
    const { channel, counters, servers, certificates, countOpen, listenerNames } = this.#parts;
    countOpen();
    const startedBytes = channel.sentBytes;
    const hasRoom = (): boolean =>
      channel.sentBytes - startedBytes < MAX_COUNT_BYTES &&
      channel.waitingBytes < MAX_WAITING_BYTES;
    while (hasRoom()) {
      const listeners = counters.takeChanges(LISTENERS_A_MESSAGE);
      if (listeners === undefined) break;
      channel.send({ type: "counted", listeners });
    }
    while (hasRoom()) {
      const reports = servers.takeChanges(SERVERS_A_MESSAGE);
      if (reports === undefined) break;
      channel.send({ type: "servers", servers: reports });
    }
    while (hasRoom()) {
      const reports = certificates.takeChanges(CERTIFICATES_A_MESSAGE);
      if (reports === undefined) break;
      channel.send({ type: "certificates", certificates: reports });
    }
    counters.keepOnly(listenerNames());
  }

  /** Failed handshakes have messages of their own, and so do connections. */
  events({ handshakes, connections, dropped }: Events): void {
    this.#dropped += dropped;
    if (handshakes.length > 0) this.#sendEvents({ ...NO_RECORDS, handshakes });
    if (connections.length > 0) this.#sendEvents({ ...NO_RECORDS, connections });
    if (handshakes.length + connections.length === 0) this.#sendEvents(NO_RECORDS);
  }

  /** Counts records and access lines that were not sent. The next heartbeat reports them. */
  lost(count: number): void {
    this.#dropped += count;
  }

  /** Sends the last counts. */
  last(): void {
    this.count();
    if (this.#dropped > 0) this.#sendEvents(NO_RECORDS);
  }

  notice(notice: Message<"notice">): void {
    this.#notices += 1;
    if (this.#notices <= MAX_NOTICES) this.#parts.channel.send(notice);
  }

  #sendEvents(all: Records): void {
    const { channel } = this.#parts;
    const { handshakes, connections } = all;
    const records = handshakes.length + connections.length;
    const maxBytes = MAX_EVENT_BYTES + (handshakes.length > 0 ? MAX_HANDSHAKE_BYTES : 0);
    if (this.#eventBytes >= maxBytes) {
      this.#dropped += records;
      return;
    }
    const dropped = this.#dropped;
    const startedBytes = channel.sentBytes;
    const outcome = channel.send({ type: "events", ...all, dropped });
    this.#eventBytes += channel.sentBytes - startedBytes;
    if (outcome === "sent") this.#dropped = 0;
    else if (outcome === "too-large" && records > 1) this.#sendHalves(all);
    else this.#dropped += records;
  }

  #sendHalves({ handshakes, connections }: Records): void {
    const [firstHandshakes, otherHandshakes] = halvesOf(handshakes);
    const [firstConnections, otherConnections] = halvesOf(connections);
    this.#sendEvents({ handshakes: firstHandshakes, connections: firstConnections });
    this.#sendEvents({ handshakes: otherHandshakes, connections: otherConnections });
  }
}

type Records = Omit<Events, "dropped">;
const NO_RECORDS: Records = { handshakes: [], connections: [] };

function halvesOf<Item>(items: readonly Item[]): readonly [readonly Item[], readonly Item[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}
