import { createHash } from "node:crypto";
import { cidrsContain } from "#model/addresses/cidr.ts";
import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";
import type { HttpConnection, HttpRules } from "../http-rules.ts";
import type { Output } from "../output.ts";
import { ID_BASE, idPrefixOf, requestIdOf, tryGivenId } from "./request-id.ts";
import type { RequestHead } from "../request-head.ts";

const NO_LINES = Buffer.alloc(0);
/** A longer certificate is told by its SHA-256, because many endpoints refuse longer heads. */
const MAX_CERTIFICATE_BYTES = 8_192;

/** What a listener tells endpoints about one client connection, by one state of the rules. */
export class ClientFacts {
  /** Whether the forwarding fields of the client are kept. */
  readonly isTrusted: boolean;
  readonly rules: HttpRules;
  readonly #connection: HttpConnection;
  /** The lines that are the same in each request for `#authority`. Without a trusted client, the id of the request is missing at the end. */
  #constant = NO_LINES;
  #authority: string | undefined;

  /** Returns the facts by the rules in force. `before` are those of the request before this one. */
  static inForce(connection: HttpConnection, before: ClientFacts | undefined): ClientFacts {
    const { rules } = connection;
    return before?.rules === rules ? before : new ClientFacts(connection, rules);
  }

  constructor(connection: HttpConnection, rules: HttpRules) {
    const { clientAddress } = connection;
    this.rules = rules;
    this.#connection = connection;
    // An empty address is never trusted.
    this.isTrusted =
      clientAddress !== "" &&
      rules.trustedClients.length > 0 &&
      cidrsContain(rules.trustedClients, clientAddress);
  }

  /** Returns the id that a trusted client has given to its request. */
  givenIdOf(fields: HeadFields): string | undefined {
    return this.isTrusted && this.rules.spec.http.requestId ? tryGivenId(fields) : undefined;
  }

  /**
   * Appends the fields that say who the client is, and the id of the request. The fields of a trusted client are completed (RFC 7239
   * section 4). `number` is that of the request on its connection.
   */
  write(output: Output, request: RequestHead, number: number, givenId: string | undefined): void {
    const { http } = this.rules.spec;
    // Most clients ask for the same host again.
    if (request.authority !== this.#authority) this.#keepConstant(request.authority);
    output.all(this.#constant);
    if (this.isTrusted) {
      if (http.forwarded === "x-forwarded") this.#completeXForwarded(output, request);
      else if (http.forwarded === "forwarded") this.#completeForwarded(output, request);
      if (http.requestId) {
        line(output, "x-request-id: ", givenId ?? requestIdOf(this.#connection, number));
      }
    } else if (http.requestId) {
      output.number(number, ID_BASE);
      output.lineEnd();
    }
  }

  #keepConstant(authority: string): void {
    const { http } = this.rules.spec;
    const lines = tlsLinesOf(this.#connection, this.rules);
    const ofUntrusted =
      (http.forwarded === "x-forwarded" ? this.#xForwardedLines(authority) : "") +
      (http.forwarded === "forwarded" ? `forwarded: ${this.#elementOf(authority)}\r\n` : "") +
      (http.requestId ? `x-request-id: ${idPrefixOf(this.#connection)}` : "");
    this.#constant = Buffer.from(lines + (this.isTrusted ? "" : ofUntrusted), "latin1");
    this.#authority = authority;
  }

  #xForwardedLines(authority: string): string {
    const { clientAddress } = this.#connection;
    const host = authority === "" ? "" : `x-forwarded-host: ${authority}\r\n`;
    return `x-forwarded-for: ${clientAddress}\r\nx-forwarded-proto: https\r\nx-forwarded-port: ${this.rules.spec.port}\r\n${host}`;
  }

  /** RFC 7239 section 4. */
  #elementOf(authority: string): string {
    const { clientAddress } = this.#connection;
    const address = clientAddress.includes(":") ? `"[${clientAddress}]"` : clientAddress;
    // An authority has no character that must be escaped in a quoted string.
    const host = authority === "" ? "" : `;host="${authority}"`;
    return `for=${address === "" ? "unknown" : address}${host};proto=https`;
  }

  #completeXForwarded(output: Output, { fields, authority }: RequestHead): void {
    const { clientAddress } = this.#connection;
    const before = joined(fields, FIELD.xForwardedFor);
    line(
      output,
      "x-forwarded-for: ",
      before === "" ? clientAddress : `${before}, ${clientAddress}`,
    );
    line(output, "x-forwarded-proto: ", first(fields, FIELD.xForwardedProto) || "https");
    const port = first(fields, FIELD.xForwardedPort) || String(this.rules.spec.port);
    line(output, "x-forwarded-port: ", port);
    const host = first(fields, FIELD.xForwardedHost) || authority;
    if (host !== "") line(output, "x-forwarded-host: ", host);
  }

  #completeForwarded(output: Output, { fields, authority }: RequestHead): void {
    const element = this.#elementOf(authority);
    const before = joined(fields, FIELD.forwarded);
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
