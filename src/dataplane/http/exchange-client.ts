import type { ExchangeRecord } from "#model/records/exchange-record.ts";
import type { HttpOutcome } from "#model/records/http-outcome.ts";
import type { WireSocket } from "../wire/wire.ts";
import type { Exchange } from "./exchange.ts";
import type { EndpointSession } from "./h1/endpoint-session.ts";
import type { HeadFields } from "./head/head-fields.ts";
import type { ResponseParser } from "./head/response-parser.ts";
import type { HostJudge } from "./host-judge.ts";
import type { HttpConnection } from "./http-rules.ts";

/** What an exchange needs of the client's side. Each version of HTTP implements it. */
export interface ExchangeClient {
  readonly connection: HttpConnection;
  /** The version of HTTP that the client speaks. */
  readonly protocol: ExchangeRecord["protocol"];
  /** Whether the client has ended its half, but may still read. */
  readonly hasEnded: boolean;
  /** Whether this is the first request of the connection. */
  readonly isFirstRequest: boolean;
  /** Whether connections to endpoints serve this client connection only. */
  readonly bindsEndpoints: boolean;
  readonly hosts: HostJudge;
  /** Bytes that were sent and that the client has not taken. */
  readonly queuedBytes: number;
  /** Whether the client has fallen so far behind that the endpoint is not read. */
  readonly isBehind: boolean;
  /** Bytes that were sent in the syntax of the version, in total. */
  readonly bytesToClient: number;
  /** Bytes of the body of the answer that wait for a window of the client, or were dropped because it does not get them. */
  readonly unsentBytes: number;
  /** Returns the idle connection to an endpoint that belongs to this client connection. */
  takeBound(): EndpointSession | undefined;
  keepBound(session: EndpointSession): void;
  /** Whether the client may be waiting until it is allowed to send more of the body. */
  readonly mustWait: boolean;
  /** Stops passing on the body of the request. */
  pauseRequest(): void;
  /** Passes on the rest of the request that has arrived, and reads on. */
  resumeRequest(): void;
  /** Sends a 100 of the director's own. */
  sendContinue(): void;
  sendInterim(answer: ResponseParser, bytes: Buffer): void;
  sendHead(exchange: Exchange, answer: ResponseParser, bytes: Buffer): void;
  sendBody(bytes: Buffer, from: number, to: number, isLent: boolean): void;
  endBody(trailers: HeadFields | undefined): void;
  /** Writes what was collected. */
  flush(): void;
  /** Answers in the place of the endpoint. Returns how many bytes of a body are sent. */
  sendFailure(exchange: Exchange, status: number): number;
  /** Shows the client that the answer is not whole. */
  breakOff(outcome: HttpOutcome): void;
  /**
   * Tells the client that the endpoint has switched protocols, then relays bytes. What follows the head in `bytes` was sent by the
   * endpoint. `upgradeEnds` of the exchange must be called in the end.
   */
  switchProtocols(
    exchange: Exchange,
    answer: ResponseParser,
    bytes: Buffer,
    endpoint: WireSocket,
  ): void;
  /**
   * Called when the endpoint is done with the exchange. `report` of the exchange must be called as soon as it is known what became of the
   * answer: `outcome` is how it ended if the client was sent the rest.
   */
  exchangeOver(exchange: Exchange, outcome: HttpOutcome): void;
}
