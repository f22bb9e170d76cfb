import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { redirectOf } from "./redirect.ts";

const head = (line: string, ...headers: string[]): string => [line, ...headers].join("\r\n");

describe("redirectOf", () => {
  it("keeps host, path and query, and names the port unless it is 443", () => {
    const request = head("GET /a/b?c=d HTTP/1.1", "Host: Shop.test:8080");
    assert.equal(redirectOf(request, 443), "https://shop.test/a/b?c=d");
    assert.equal(redirectOf(request, 8443), "https://shop.test:8443/a/b?c=d");
  });

  it("takes the path of a target in absolute form", () => {
    assert.equal(
      redirectOf(head("GET http://x.test/p HTTP/1.1", "Host: x.test"), 443),
      "https://x.test/p",
    );
    assert.equal(redirectOf(head("OPTIONS * HTTP/1.1", "Host: [::1]:80"), 443), "https://[::1]/");
  });

  it("sends nobody on to a host that is missing, doubled or more than a host", () => {
    for (const headers of [
      [],
      ["Host: a.test", "Host: b.test"],
      ["Host: a.test/@b"],
      ["Host: a.test\nX: y"],
      ["Host: "],
    ]) {
      assert.equal(redirectOf(head("GET / HTTP/1.1", ...headers), 443), undefined);
    }
  });

  it("sends nothing on that could break the answer", () => {
    assert.equal(redirectOf(head("GET /\u0001 HTTP/1.1", "Host: a.test"), 443), undefined);
    assert.equal(redirectOf(head("GET / HTTP/2.0", "Host: a.test"), 443), undefined);
    assert.equal(redirectOf("", 443), undefined);
    for (const line of ["X: a\0b", "X: a\rb", "X: a\nb", " folded", "X : a", ": a", "X"]) {
      const request = head("GET / HTTP/1.1", "Host: a.test", line);
      assert.equal(redirectOf(request, 443), undefined, JSON.stringify(line));
    }
    const request = head("GET / HTTP/1.1", "Host: a.test", "X-Name: \xc3\xa9\tb", "Y:");
    assert.equal(redirectOf(request, 443), "https://a.test/");
  });
});
