import { createHash } from "node:crypto";
import { cidrsContain } from "#model/addresses/cidr.ts";
import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";
import type { RequestParser } from "../head/request-parser.ts";
import type { HttpConnection, HttpRules } from "../http-rules.ts";
import type { Output } from "../output.ts";

/** The ids of requests that a trusted client may choose. */
const REQUEST_ID = /^[\w.:+/=@-]{1,128}$/;

/** A longer certificate is told by its SHA-256, because many endpoints refuse longer heads. */
const MAX_CERTIFICATE_BYTES = 8_192;

/** What a listener tells endpoints about one client connection. It is computed once for each state of the rules. */
export class ClientFacts {
  /** Whether the client is one whose forwarding fields are kept. */
  readonly isTrusted: boolean;
  readonly rules: HttpRules;
  readonly #address: string;
  readonly #port: string;
  /** The field lines that are the same in each request. */
  readonly #constant: Buffer;

  constructor(connection: HttpConnection, rules: HttpRules) {
    const { clientAddress } = connection;
    const { http, port } = rules.spec;
    this.rules = rules;
    this.#address = clientAddress;
    this.#port = String(port);
    // An empty address is never trusted.
    this.isTrusted =
      clientAddress !== "" &&
      rules.trustedClients.length > 0 &&
      cidrsContain(rules.trustedClients, clientAddress);
    const forwarded =
      http.forwarded === "x-forwarded" && !this.isTrusted
        ? `x-forwarded-for: ${clientAddress}\r\nx-forwarded-proto: https\r\nx-forwarded-port: ${port}\r\n`
        : "";
    this.#constant = Buffer.from(`${forwarded}${tlsLinesOf(connection, rules)}`, "latin1");
  }

  /** Returns the id that a trusted client has given to its request. */
  requestIdOf(fields: HeadFields): string | undefined {
    return this.isTrusted && this.rules.spec.http.requestId ? tryRequestId(fields) : undefined;
  }

  /** Appends the fields that say who the client is. Those of a trusted client are completed (RFC 7239 section 4). */
  write(output: Output, request: RequestParser, requestId: string): void {
    const { http } = this.rules.spec;
    output.all(this.#constant);
    if (http.forwarded === "x-forwarded") this.#writeXForwarded(output, request);
    else if (http.forwarded === "forwarded") this.#writeForwarded(output, request);
    if (http.requestId) {
      output.text("x-request-id: ");
      output.text(requestId);
      output.lineEnd();
    }
  }

  #writeXForwarded(output: Output, { fields, authority }: RequestParser): void {
    if (!this.isTrusted) {
      if (authority !== "") line(output, "x-forwarded-host: ", authority);
      return;
    }
    const before = joined(fields, FIELD.xForwardedFor);
    line(
      output,
      "x-forwarded-for: ",
      before === "" ? this.#address : `${before}, ${this.#address}`,
    );
    line(output, "x-forwarded-proto: ", first(fields, FIELD.xForwardedProto) || "https");
    line(output, "x-forwarded-port: ", first(fields, FIELD.xForwardedPort) || this.#port);
    const host = first(fields, FIELD.xForwardedHost) || authority;
    if (host !== "") line(output, "x-forwarded-host: ", host);
  }

  #writeForwarded(output: Output, { fields, authority }: RequestParser): void {
    const address = this.#address.includes(":") ? `"[${this.#address}]"` : this.#address;
    // An authority has no character that must be escaped in a quoted string.
    const host = authority === "" ? "" : `;host="${authority}"`;
    const element = `for=${address === "" ? "unknown" : address}${host};proto=https`;
    const before = this.isTrusted ? joined(fields, FIELD.forwarded) : "";
    line(output, "forwarded: ", before === "" ? element : `${before}, ${element}`);
  }
}

/** Returns the field lines with what was negotiated with the client and what it has presented. */
function tlsLinesOf(
  { tls, serverName, ja4, clientDer, peerCertificate }: HttpConnection,
  rules: HttpRules,
): string {
  const { clientFacts } = rules.spec.http;
  const lines: string[] = [];
  if (clientFacts.tls && tls !== undefined) {
    lines.push(`x-tls-version: ${tls.version}`, `x-tls-cipher-suite: ${tls.cipherSuite}`);
    lines.push(`x-tls-resumed: ${tls.isResumed}`);
    if (serverName !== undefined) lines.push(`x-tls-server-name: ${serverName}`);
  }
  if (clientFacts.ja4 && ja4 !== undefined) lines.push(`x-ja4: ${ja4}`);
  // A policy can ask for a certificate without requiring one. What does not verify is not told.
  const isVerified = peerCertificate !== undefined && peerCertificate.verifyFailure === undefined;
  if (clientFacts.certificate && clientDer !== undefined && isVerified) {
    lines.push(certificateLineOf(clientDer));
  }
  return lines.map((text) => `${text}\r\n`).join("");
}

/** RFC 9440 section 2.2: a byte sequence of RFC 8941. */
function certificateLineOf(der: Uint8Array): string {
  if (der.length <= MAX_CERTIFICATE_BYTES) {
    return `client-cert: :${Buffer.from(der).toString("base64")}:`;
  }
  const digest = createHash("sha256").update(der).digest("base64");
  return `client-cert-sha-256: :${digest}:`;
}

function line(output: Output, name: string, value: string): void {
  output.text(name);
  output.text(value);
  output.lineEnd();
}

function first(fields: HeadFields, kind: number): string {
  const index = fields.find(kind);
  return index < 0 ? "" : fields.value(index);
}

/** Returns the values of all fields of a kind as one list (RFC 9110 section 5.3). */
function joined(fields: HeadFields, kind: number): string {
  let list = "";
  for (let index = fields.find(kind); index >= 0; index = fields.find(kind, index + 1)) {
    const value = fields.value(index);
    if (value !== "") list = list === "" ? value : `${list}, ${value}`;
  }
  return list;
}

function tryRequestId(fields: HeadFields): string | undefined {
  const index = fields.find(FIELD.xRequestId);
  if (index < 0 || fields.find(FIELD.xRequestId, index + 1) >= 0) return undefined;
  const value = fields.value(index);
  return REQUEST_ID.test(value) ? value : undefined;
}
