import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryHttp } from "#harness/memory-http.ts";

/** Sends a request with these lines, and returns what the endpoint gets. */
async function sentFor(...lines: readonly string[]): Promise<string> {
  const http = await MemoryHttp.start();
  const client = await http.send([...lines, "", ""].join("\r\n"));
  const sent = http.endpoint().take();
  await client.close();
  return sent;
}

describe("the Host that endpoints get", () => {
  for (const line of ["Host: a", "hoSt:a"]) {
    it(`is that of the client if it has at most one space: ${JSON.stringify(line)}`, async () => {
      const sent = await sentFor("GET / HTTP/1.1", "B: b", line, "C: c");
      assert.equal(sent, `GET / HTTP/1.1\r\nB: b\r\n${line}\r\nC: c\r\n\r\n`);
    });
  }

  for (const line of ["Host:\ta", "Host:  a", "Host: a ", "Host:a\t", "HOST: \t a"]) {
    it(`has no other white space: ${JSON.stringify(line)}`, async () => {
      for (const others of [[], ["B: b"]]) {
        const sent = await sentFor("GET / HTTP/1.1", ...others, line, ...others);
        const rest = others.map((other) => `${other}\r\n`).join("");
        assert.equal(sent, `GET / HTTP/1.1\r\n${rest}host: a\r\n${rest}\r\n`);
      }
    });
  }

  it("is the authority of an absolute target, once", async () => {
    const sent = await sentFor("GET https://a/b HTTP/1.1", "Host:\tc");
    assert.equal(sent, "GET /b HTTP/1.1\r\nhost: a\r\n\r\n");
  });
});

it("an absolute target that is not https is misdirected, and the connection ends", async () => {
  const http = await MemoryHttp.start();
  const client = await http.send("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(client.received, /^HTTP\/1\.1 421 Misdirected Request\r\n[^]*connection: close\r\n/);
  assert.equal(http.endpoints.length, 0);
});
