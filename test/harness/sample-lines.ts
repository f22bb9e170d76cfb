import type { ExchangeFacts, RequestTexts } from "#dataplane/http/exchange-facts.ts";
import type { HttpConnection } from "#dataplane/http/http-rules.ts";
import { jsonLineOf } from "#dataplane/http/json-line.ts";
import type { ListenerName } from "#model/names.ts";

export const sampleTexts: RequestTexts = {
  method: "GET",
  requestId: "7f3a",
  host: "shop.test",
  path: "/a\u001b[2J",
  referer: "https://shop.test/\u202e",
  userAgent: 'curl/8 "x"\\',
};

export const sampleFacts: ExchangeFacts = {
  number: 2,
  atMs: 1_700_000_000_000,
  protocol: "HTTP/1.1",
  texts: sampleTexts,
  status: 200,
  endpoint: "web-1 127.0.0.1:80",
  server: "web-1",
  endpointFailure: undefined,
  reused: true,
  retried: false,
  rule: undefined,
  field: undefined,
  headMs: 0.5,
  connectMs: 1.0004,
  firstByteMs: 2.12,
  durationMs: 3_000.007,
  bytesFromClient: 100,
  bytesToClient: 300,
  bodyBytesToClient: 200,
  outcome: "completed",
};

/** What a line says of a connection without a request. */
const connectionFacts = {
  id: "c1",
  clientAddress: "192.0.2.1",
  clientPort: 50_000,
  proxyAddress: undefined,
  serverName: undefined,
  tls: undefined,
  group: undefined,
  peerCertificate: { commonName: "CN=a\u202eb \u00e9", subject: "" },
  lineFacts: undefined,
};

/** A line as a worker writes it: each character stands for a byte. */
export function sampleLine(
  facts: Partial<ExchangeFacts> = {},
  more: object = {},
  name = "front.shop:8443",
): string {
  const rules = { spec: { name: name as ListenerName, virtualIp: "127.0.1.10" } };
  const connection = { ...connectionFacts, rules, ...more } as unknown as HttpConnection;
  return jsonLineOf(connection, { ...sampleFacts, ...facts });
}
