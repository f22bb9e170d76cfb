import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventually } from "./deadline.ts";
import { startRecordingEndpoint } from "./recording-endpoint.ts";
import { rawConnect } from "./socket-client.ts";

const head = (line: string, ...fields: readonly string[]): string =>
  [line, ...fields, "", ""].join("\r\n");

/** The requests that are recorded for `case-0001` when the bytes come over one connection. */
async function recorded(bytes: string, count: number): Promise<readonly string[]> {
  const { endpoint, arrived } = await startRecordingEndpoint();
  await using client = await rawConnect({ port: endpoint.port });
  await client.sendByteByByte(Buffer.from(bytes, "latin1"));
  const seen = (): readonly string[] =>
    (arrived.get("case-0001") ?? []).map(({ line, fields, body }) => {
      return [line, ...fields, body].join("|");
    });
  await eventually(
    () => seen().length === count,
    5_000,
    () => `${count} requests, of ${JSON.stringify(seen())}`,
  );
  return seen();
}

describe("the recording endpoint", () => {
  it("counts a request without a tag to the one before it", async () => {
    const text = head("GET /a HTTP/1.1", "X-Case: case-0001") + head("GET /hidden HTTP/1.1");
    assert.deepEqual(await recorded(text, 2), [
      "GET /a HTTP/1.1|x-case: case-0001|",
      "GET /hidden HTTP/1.1|",
    ]);
  });

  it("reads bodies by their length and by their chunks, with trailers", async () => {
    const length = head("PUT /case-0001 HTTP/1.1", "Content-Length:\t3 ");
    const chunks = head("PUT /case-0001 HTTP/1.1", "Transfer-Encoding: Chunked");
    const text = `${length}\r\n!${chunks}3\r\nabc\r\n1\r\nd\r\n0\r\nB:c\r\n\r\n`;
    assert.deepEqual(await recorded(text, 2), [
      "PUT /case-0001 HTTP/1.1|content-length: 3|\r\n!",
      "PUT /case-0001 HTTP/1.1|transfer-encoding: Chunked|trailer b: c|abcd",
    ]);
  });

  for (const fields of [
    ["Content-Length: 0", "Transfer-Encoding: chunked"],
    ["Content-Length: 0", "Content-Length: 0"],
    ["Content-Length: +0"],
    ["Transfer-Encoding: chunked, identity"],
  ]) {
    it(`calls ${fields.join(" and ")} ambiguous`, async () => {
      const [request] = await recorded(head("PUT /case-0001 HTTP/1.1", ...fields), 1);
      assert.match(request ?? "", /\|ambiguous: /);
    });
  }
});
