import assert from "node:assert/strict";
import { it } from "node:test";
import { answerOf, MemoryHttp, requestOf } from "#harness/memory-http.ts";

it("sets fields in final answers only, and removes them from interim ones too", async () => {
  const http = await MemoryHttp.start({
    http: {
      hsts: "max-age=60",
      responseFields: { set: [["Link", "ours"]], remove: ["server"] },
    },
  });
  const client = await http.send(requestOf("GET /"));
  const hints =
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nStrict-Transport-Security: max-age=1\r\n";
  await http.endpoint().send(`${hints}Server: x\r\n\r\n`);
  assert.equal(client.take(), `${hints}\r\n`);
  await http.endpoint().send(answerOf("", "link: </b>", "server: x"));
  const set = "strict-transport-security: max-age=60\r\nLink: ours\r\n";
  assert.equal(client.take(), answerOf("").replace("\r\n\r\n", `\r\n${set}\r\n`));
  await client.close();
  await http.assertBase();
});
