import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { redirectOf, tryRequestHead } from "./redirect-target.ts";

/** Returns the Location of the response to these bytes, or its status if it has no Location. */
function answerTo(bytes: string, httpsPort = 443): string | number | undefined {
  const head = tryRequestHead(Buffer.from(bytes, "latin1"));
  if (head === undefined) return undefined;
  const { status, headers } = redirectOf(head, httpsPort);
  return status === 308 ? headers[0]?.replace("Location: ", "") : status;
}
const request = (line: string, ...headers: readonly string[]): string =>
  `${[line, ...headers].join("\r\n")}\r\n\r\n`;
const host = "Host: shop.test";

describe("redirectOf", () => {
  const good: readonly (readonly [request: string, location: string])[] = [
    [request("GET /a/b?c=d HTTP/1.1", "Host: Shop.test:8080"), "https://shop.test/a/b?c=d"],
    [request("GET / HTTP/1.1", "Host:shop.test:\t "), "https://shop.test/"],
    [request("m-search /x HTTP/1.9", host), "https://shop.test/x"],
    [request("GET / HTTP/1.1", "Host: [::1]:80"), "https://[::1]/"],
    [request("GET / HTTP/1.1", "Host: 192.0.2.1:80"), "https://192.0.2.1/"],
    [request("GET / HTTP/1.1", "Host: shop_1.test."), "https://shop_1.test./"],
    // A target in absolute form takes precedence, and its port is not the https port.
    [request("GET http://other.test/path HTTP/1.1", host), "https://other.test/path"],
    [request("GET HTTP://Other.Test:8080/p?q HTTP/1.1", host), "https://other.test/p?q"],
    [request("GET https://other.test HTTP/1.1", host), "https://other.test/"],
    [request("GET http://other.test?a=/b HTTP/1.1", host), "https://other.test/?a=/b"],
    [request("GET http://[2001:DB8::1]:80/ HTTP/1.1", host), "https://[2001:db8::1]/"],
    [request("GET http://other.test/ HTTP/1.1", "Host:"), "https://other.test/"],
    [request("GET http://other.test/ HTTP/1.0"), "https://other.test/"],
    [request("OPTIONS * HTTP/1.1", host), "https://shop.test/"],
    // The path follows the authority, so none of these leads to another host.
    [request("GET //evil.test/x HTTP/1.1", host), "https://shop.test//evil.test/x"],
    [request("GET /\\evil.test HTTP/1.1", host), "https://shop.test/\\evil.test"],
    [request("GET /http://evil.test HTTP/1.1", host), "https://shop.test/http://evil.test"],
    [request("GET /@evil.test HTTP/1.1", host), "https://shop.test/@evil.test"],
    [request("GET /%0d%0aX:%20y HTTP/1.1", host), "https://shop.test/%0d%0aX:%20y"],
    [request("GET / HTTP/1.1", host, "X-Name: \xc3\xa9\tb", "Y:"), "https://shop.test/"],
    [request(`GET /${"a".repeat(7_999)} HTTP/1.1`, host), `https://shop.test/${"a".repeat(7_999)}`],
    [request("GET / HTTP/1.1", host, `Cookie: ${"a".repeat(16_000)}`), "https://shop.test/"],
    [`\r\n${request("GET /x HTTP/1.1", host)}`, "https://shop.test/x"],
  ];
  for (const [bytes, location] of good) {
    it(`redirects to ${location.slice(0, 60)}`, () => {
      assert.equal(answerTo(bytes), location);
    });
  }

  it("includes the port unless it is 443", () => {
    assert.equal(answerTo(request("GET /x HTTP/1.1", host), 8443), "https://shop.test:8443/x");
    const absolute = request("GET http://other.test:8443/ HTTP/1.1", host);
    assert.equal(answerTo(absolute, 444), "https://other.test:444/");
  });

  const bad: Readonly<Record<number, readonly string[]>> = {
    400: [
      request("GET / HTTP/1.1"),
      request("GET / HTTP/1.0"),
      request("GET http://other.test/ HTTP/1.1"),
      request("GET / HTTP/1.1", "Host:"),
      request("GET / HTTP/1.1", host, host),
      request("GET http://other.test/ HTTP/1.1", host, "host: other.test"),
      request("GET http://other.test/ HTTP/1.1", "Host: a@b"),
      ...[
        ...["a.test/@b", "a.test\nX: y", "a@b", "a:b@c", "a.b, c.d", "a b", "a%2eb", "a\\b"],
        ...[".", "-", "[::g]", "[1.2.3.4]", "[::1", "::1", "[fe80::1%25eth0]", "a:65536", "a:x"],
        ...["a:80:80", "a?b", "a#b", "a".repeat(256), "\xe9.test"],
      ].map((name) => request("GET / HTTP/1.1", `Host: ${name}`)),
      ...[
        ...[
          "http://user@other.test/",
          "http://a:b@other.test/",
          "http:///path",
          "http://",
          "http:/x",
        ],
        ...["http://other.test\\@evil.test/", "http://other.test:99999/", "ftp://other.test/"],
        ...["javascript:alert(1)", "x", "?a=b", "*", "other.test:443", "", "/a#b", "/a b", "/\x7f"],
        ...["http://other.test#f", "/\xe9", "/\u0001", "/\r", "/\n"],
      ].map((target) => request(`GET ${target} HTTP/1.1`, host)),
      ...["GET /", "GET / HTTP/1", "GET / http/1.1", "GET  / HTTP/1.1", " GET / HTTP/1.1"].map(
        (line) => request(line, host),
      ),
      ...["GET / HTTP/1.1 ", "G(T / HTTP/1.1", `${"G".repeat(33)} / HTTP/1.1`, ""].map((line) =>
        request(line, host),
      ),
      ...["X: a\0b", "X: a\rb", "X: a\nb", " folded", "X : a", ": a", "X"].map((line) =>
        request("GET / HTTP/1.1", host, line),
      ),
      "GET /\r\n",
      "GET /\n",
      `GET / HTTP/1.1\n${host}\n\n`,
      `GET / HTTP/1.1\n${host}\n\r\n`,
      "\x16".repeat(20_000),
    ],
    405: [request("CONNECT other.test:443 HTTP/1.1", host)],
    414: [request(`GET /${"a".repeat(8_000)} HTTP/1.1`, host), `GET /${"a".repeat(20_000)}`],
    431: [request("GET / HTTP/1.1", host, `Cookie: ${"a".repeat(17_000)}`)],
    505: [request("PRI * HTTP/2.0") + "SM\r\n\r\n", request("GET / HTTP/0.9", host)],
  };
  for (const [status, all] of Object.entries(bad)) {
    for (const bytes of all) {
      it(`answers ${JSON.stringify(bytes.slice(0, 70))} with ${status}`, () => {
        assert.equal(answerTo(bytes), Number(status));
      });
    }
  }

  it("waits for the whole head", () => {
    const whole = request("GET / HTTP/1.1", host);
    for (let length = 0; length < whole.length; length += 1)
      assert.equal(answerTo(whole.slice(0, length)), undefined);
  });
});
