/** A request that is sent through the director and through other proxies, to compare what becomes of it. */
export interface DifferenceCase {
  /** It says what the request tries, and is the key in the table. */
  readonly name: string;
  /** One character for each byte. The text `TAG` in it becomes the tag of the case, which has the same length. */
  readonly text: string;
  /** Whether proxies may wait for more of the request, so that no answer within a short time is an outcome. */
  readonly waits: boolean;
}

export type Named = readonly [name: string, text: string];

/** Stands for the tag by which the endpoint recognises a case, so that no length depends on the case. */
export const TAG = "case-0000";
const HOST = "Host: shop.example";
const CASE = `X-Case: ${TAG}`;

const head = (...lines: readonly string[]): string => [...lines, "", ""].join("\r\n");

/** A request of another line, e.g. of another method. */
export const line = (text: string, ...fields: readonly string[]): string =>
  head(text, HOST, CASE, ...fields);
export const get = (...fields: readonly string[]): string => line("GET /a?b=c HTTP/1.1", ...fields);
export const post = (fields: readonly string[], body = ""): string =>
  line("POST /a HTTP/1.1", ...fields) + body;
export const chunked = (body: string): string => post(["Transfer-Encoding: chunked"], body);
/** A request without Host. */
export const hostless = (...fields: readonly string[]): string =>
  head("GET /a HTTP/1.1", CASE, ...fields);
export const hosted = (host: string): string => hostless(`Host: ${host}`);
/** A request that must not reach an endpoint in the place of the next one. */
export const SMUGGLED = head("GET /smuggled HTTP/1.1", HOST, CASE);

export const cases = (...named: readonly Named[]): readonly DifferenceCase[] =>
  named.map(([name, text]) => ({ name, text, waits: false }));
export const waitingCases = (...named: readonly Named[]): readonly DifferenceCase[] =>
  cases(...named).map((one) => ({ ...one, waits: true }));
