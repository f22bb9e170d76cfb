import type { IncomingMessage, ServerResponse } from "node:http";
import { startHttpEndpoint } from "./endpoints.ts";
import type { Endpoint, EndpointOptions } from "./endpoint.ts";

/** What an echo endpoint says about a request, as JSON. */
export interface EchoView {
  readonly method: string;
  readonly url: string;
  /** Names and values in turn, as they arrived. */
  readonly rawHeaders: readonly string[];
  readonly rawTrailers: readonly string[];
  readonly body: string;
}

/** Answers each request with what it is. The field `nonce` of the request is in the answer too. */
export function startEchoHttpEndpoint(options?: EndpointOptions): Promise<Endpoint> {
  return startHttpEndpoint((request, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const { method = "", url = "", rawHeaders, rawTrailers } = request;
      const view: EchoView = { method, url, rawHeaders, rawTrailers, body };
      echoNonce(request, response);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(view));
    });
  }, options);
}

export function echoNonce(request: IncomingMessage, response: ServerResponse): void {
  const { nonce } = request.headers;
  if (nonce !== undefined) response.setHeader("nonce", nonce);
}

/** Returns the values of a field, whose name is compared without case, in the order of their arrival. */
export function valuesOf({ rawHeaders }: EchoView, name: string): readonly string[] {
  return rawHeaders.filter(
    (_text, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name,
  );
}
