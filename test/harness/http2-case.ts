/** The parts of the cases that a server of HTTP/2 must pass. */
import { ERROR, FLAG, FRAME } from "#dataplane/http/h2/frames.ts";
import { blockOf, frameOf, headersOf, requestFieldsOf, uint32Of } from "./http2-client.ts";

/** What a client gets in the end. */
export type Expected =
  | { readonly kind: "goaway"; readonly code: number }
  | { readonly kind: "reset"; readonly streamId: number; readonly code: number }
  | { readonly kind: "answer"; readonly streamId: number }
  /** The endpoint gets a request that contains this. */
  | { readonly kind: "request"; readonly text: string }
  /** The client gets a frame of this type with this payload, and the connection stays open. */
  | {
      readonly kind: "frame";
      readonly type: number;
      readonly flags: number;
      readonly payload: Buffer;
    }
  /** The lengths of the DATA frames. */
  | { readonly kind: "lengths"; readonly lengths: readonly number[] }
  /** The connection stays open, and no stream is reset. */
  | { readonly kind: "ignored" };

export interface Http2Case {
  readonly name: string;
  readonly frames: readonly Buffer[];
  /** What the client sends after the endpoint has answered. */
  readonly afterAnswer?: readonly Buffer[];
  readonly expected: Expected;
}

export const goaway = (code: number): Expected => ({ kind: "goaway", code });
export const reset = (code: number, streamId = 1): Expected => ({ kind: "reset", streamId, code });
export const answer = (streamId = 1): Expected => ({ kind: "answer", streamId });
export const ignored: Expected = { kind: "ignored" };
export const { protocol, streamClosed, frameSize, flowControl, compression } = ERROR;

export const get = requestFieldsOf();
export const post = requestFieldsOf({ ":method": "POST" });
export const block = blockOf(get);
/** A request whose stream stays open. */
export const open = headersOf(1, post, 0);
export const whole = headersOf(1, get);
export const zeros = (length: number): Buffer => Buffer.alloc(length);
export const headers = (flags: number, payload: Buffer, id = 1): Buffer =>
  frameOf(FRAME.headers, flags, id, payload);
export const continuation = (flags: number, payload: Buffer, id = 1): Buffer =>
  frameOf(FRAME.continuation, flags, id, payload);
export const priority = (id: number, dependsOn: number, weight = 15): Buffer =>
  frameOf(FRAME.priority, 0, id, Buffer.concat([uint32Of(dependsOn), Buffer.of(weight)]));
export const padded = (length: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.of(length), payload, zeros(length)]);
export const withPriority = (dependsOn: number, weight = 15): Buffer =>
  Buffer.concat([uint32Of(dependsOn), Buffer.of(weight), block]);
export const { endStream, endHeaders } = FLAG;
export const all = endStream | endHeaders;
export const ping = Buffer.from("h2spec!!", "latin1");
export const request = (more: Readonly<Record<string, string | undefined>>): Buffer =>
  headersOf(1, requestFieldsOf(more));
/** A request whose fields are in this order, and may be there twice. */
export const fields = (...pairs: readonly (readonly [string, string])[]): Buffer =>
  headersOf(1, [...get, ...pairs]);
export const raw = (...bytes: readonly number[]): Buffer =>
  headers(all, Buffer.concat([block, Buffer.from(bytes)]));
export const trailers = (...pairs: readonly (readonly [string, string])[]): Buffer =>
  headersOf(1, pairs, endStream);

export const one = (
  name: string,
  expected: Expected,
  frames: readonly Buffer[],
  afterAnswer?: readonly Buffer[],
): Http2Case => ({ name, expected, frames, ...(afterAnswer && { afterAnswer }) });
