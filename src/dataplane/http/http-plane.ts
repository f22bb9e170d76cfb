import type { Clock } from "../live/clock.ts";
import type { Deadlines } from "../live/deadlines.ts";
import type { RelayMemory } from "../live/relay-memory.ts";
import type { EndpointSession } from "./h1/endpoint-session.ts";
import { RequestParser } from "./head/request-parser.ts";
import { ResponseParser } from "./head/response-parser.ts";
import { Http2Plane } from "./h2/http2-plane.ts";
import { Output } from "./output.ts";
import { EndpointPools } from "./pool/endpoint-pools.ts";

/** The parts of the plane that all connections of mode http of a worker share. */
export interface HttpPlaneParts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly relayMemory: RelayMemory;
  /** Reports an error that is a bug. */
  readonly reportError: (cause: unknown) => void;
}

export class HttpPlane {
  readonly pools: EndpointPools<EndpointSession>;
  /** They parse the heads that arrive whole. */
  readonly requests = new RequestParser();
  readonly answers = new ResponseParser();
  readonly toEndpoint = new Output();
  readonly toClient = new Output();
  readonly h2 = new Http2Plane();
  readonly relayMemory: RelayMemory;
  readonly reportError: (cause: unknown) => void;
  /** When the event began that is being handled, in milliseconds of the clock. Each event asks the clock once. */
  turnMs = 0;
  /** Number of open connections to endpoints, also of idle ones. */
  openEndpoints = 0;
  /** Whether connections end with their next answer. */
  isDraining = false;
  readonly #clock: Clock;

  constructor({ clock, deadlines, relayMemory, reportError }: HttpPlaneParts) {
    this.#clock = clock;
    this.pools = new EndpointPools(deadlines);
    this.relayMemory = relayMemory;
    this.reportError = reportError;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }
}
