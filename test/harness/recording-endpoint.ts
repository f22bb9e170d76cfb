import { startEndpoint, type Endpoint } from "./endpoint.ts";

/** A whole request as it arrived, one character for each byte. Names of fields are in lower case. */
export interface ArrivedRequest {
  readonly line: string;
  /** The field lines in their order, then the trailers, each with `trailer ` before it. */
  readonly fields: readonly string[];
  readonly body: string;
}

export interface RecordingEndpoint {
  readonly endpoint: Endpoint;
  /** The requests by the tag in them. One without a tag counts to the request before it on its connection. */
  readonly arrived: ReadonlyMap<string, readonly ArrivedRequest[]>;
}

const TAG = /case-\d{4}/;
/** Stands for the tag of a request that is the first of its connection and has none. */
const UNTAGGED = "none";

/**
 * Records each request and answers it with its tag and target. It reads strictly: what two endpoints could read differently is
 * recorded as the rest of the connection, which then ends. Connections stay open, so that a request that was hidden in another one
 * shows. A request that never becomes whole is not recorded.
 */
export async function startRecordingEndpoint(): Promise<RecordingEndpoint> {
  const arrived = new Map<string, ArrivedRequest[]>();
  const endpoint = await startEndpoint((socket) => {
    let rest = "";
    let tag = UNTAGGED;
    socket.on("end", () => socket.end());
    socket.on("data", (chunk: Buffer) => {
      rest += chunk.toString("latin1");
      for (;;) {
        const found = requestIn(rest);
        if (found === undefined) return;
        const { request, bytes } = found;
        tag = TAG.exec(`${request.line}\n${request.fields.join("\n")}`)?.[0] ?? tag;
        arrived.set(tag, [...(arrived.get(tag) ?? []), request]);
        rest = rest.slice(bytes);
        const isLast = found.isAmbiguous === true || !keepsOpen(request);
        socket.write(answerTo(request, tag, isLast));
        if (isLast) {
          socket.end();
          return;
        }
      }
    });
  });
  return { endpoint, arrived };
}

function keepsOpen({ line, fields }: ArrivedRequest): boolean {
  if (line.endsWith(" HTTP/1.0")) return fields.includes("connection: keep-alive");
  return !fields.includes("connection: close");
}

function answerTo({ line }: ArrivedRequest, tag: string, isLast: boolean): string {
  const [method, target] = line.split(" ");
  const body = `${tag} ${target}`;
  const connection = `Connection: ${isLast ? "close" : "keep-alive"}`;
  const fields = [`Content-Length: ${body.length}`, connection];
  return `HTTP/1.1 200 OK\r\n${fields.join("\r\n")}\r\n\r\n${method === "HEAD" ? "" : body}`;
}

interface FoundRequest {
  readonly request: ArrivedRequest;
  readonly bytes: number;
  readonly isAmbiguous?: boolean;
}

/** Returns undefined until the request is whole. */
function requestIn(text: string): FoundRequest | undefined {
  const headEnd = text.indexOf("\r\n\r\n") + 4;
  if (headEnd < 4) return undefined;
  const [line = "", ...lines] = text.slice(0, headEnd - 4).split("\r\n");
  const fields = lines.map(plainLineOf);
  const ofName = (name: string): readonly string[] =>
    fields.filter((field) => field.startsWith(`${name}: `));
  const lengths = ofName("content-length");
  const codings = ofName("transfer-encoding");
  const [length = "content-length: 0", ...moreLengths] = lengths;
  const [coding] = codings;
  const isFramedOnce = lengths.length + codings.length < 2;
  const isPlain = /: \d+$/.test(length) && (coding ?? CHUNKED).toLowerCase() === CHUNKED;
  if (!isFramedOnce || !isPlain || moreLengths.length > 0) {
    const request = { line, fields, body: `ambiguous: ${text.slice(headEnd)}` };
    return { request, bytes: text.length, isAmbiguous: true };
  }
  if (coding !== undefined) return chunkedRequestIn(text, headEnd, { line, fields });
  const end = headEnd + Number(length.slice("content-length: ".length));
  if (text.length < end) return undefined;
  return { request: { line, fields, body: text.slice(headEnd, end) }, bytes: end };
}

const CHUNKED = "transfer-encoding: chunked";

function chunkedRequestIn(
  text: string,
  headEnd: number,
  { line, fields }: Omit<ArrivedRequest, "body">,
): FoundRequest | undefined {
  let body = "";
  for (let at = headEnd; ;) {
    const sizeEnd = text.indexOf("\r\n", at);
    if (sizeEnd < 0) return undefined;
    const size = text.slice(at, sizeEnd);
    const data = sizeEnd + 2;
    if (!/^[0-9a-f]{1,8}$/i.test(size)) {
      const request = { line, fields, body: `${body} and a bad size: ${text.slice(at)}` };
      return { request, bytes: text.length, isAmbiguous: true };
    }
    const bytes = Number.parseInt(size, 16);
    if (bytes === 0) return withTrailers(text, data, { line, fields, body });
    if (text.length < data + bytes + 2) return undefined;
    body += text.slice(data, data + bytes);
    if (text.slice(data + bytes, data + bytes + 2) !== "\r\n") body += " and a bad end";
    at = data + bytes + 2;
  }
}

function withTrailers(
  text: string,
  from: number,
  request: ArrivedRequest,
): FoundRequest | undefined {
  if (text.startsWith("\r\n", from)) return { request, bytes: from + 2 };
  const end = text.indexOf("\r\n\r\n", from);
  if (end < 0) return undefined;
  const trailers = text.slice(from, end).split("\r\n");
  const lines = trailers.map((trailer) => `trailer ${plainLineOf(trailer)}`);
  return { request: { ...request, fields: [...request.fields, ...lines] }, bytes: end + 4 };
}

/** Returns `name: value` without the white space around the value, which is no part of it, or the line if it is no field. */
export function plainLineOf(line: string): string {
  const [, name, value] = /^([^\s:]+):[ \t]*([^]*?)[ \t]*$/.exec(line) ?? [];
  return name === undefined ? line : `${name.toLowerCase()}: ${value}`;
}
