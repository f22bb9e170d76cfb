import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { uniqueVirtualIp } from "./addresses.ts";
import { eventually } from "./deadline.ts";
import {
  startEchoEndpoint,
  startHttpEndpoint,
  startResettingEndpoint,
  startSinkEndpoint,
  startSwallowingEndpoint,
} from "./endpoints.ts";
import { patternBytes } from "./pattern.ts";
import { proxyV1Header, proxyV2Header, tlvText, tlvTypes } from "./proxy-header.ts";
import { rawConnect } from "./socket-client.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { startUnresponsiveEndpoint } from "./unresponsive-endpoint.ts";

const addresses = {
  clientAddress: "2001:db8::1:0:7",
  clientPort: 4711,
  virtualIp: "::1",
  virtualPort: 8443,
};

describe("the endpoints", () => {
  it("record PROXY headers and hand on what came with them, also byte by byte", async () => {
    const endpoint = await startEchoEndpoint({ expectsProxyHeader: true });
    const tlvs = [{ type: tlvTypes.authority, value: Buffer.from("shop.example") }];
    for (const header of [proxyV1Header(addresses), proxyV2Header(addresses, tlvs)]) {
      const client = await rawConnect({ port: endpoint.port });
      await client.sendByteByByte(header);
      await client.send("hello");
      assert.equal((await client.read.bytes(5)).toString(), "hello");
      const together = await rawConnect({ port: endpoint.port });
      await together.send(Buffer.concat([header, Buffer.from("hello")]));
      assert.equal((await together.read.bytes(5)).toString(), "hello");
    }
    assert.deepEqual(
      endpoint.proxyHeaders.map((header) => [header.version, header.addresses]),
      [1, 1, 2, 2].map((version) => [version, addresses]),
    );
    assert.equal(tlvText(endpoint.proxyHeaders[3]?.tlvs ?? [], tlvTypes.authority), "shop.example");
  });

  it("refuse a connection without the PROXY header that they expect", async () => {
    const endpoint = await startEchoEndpoint({ expectsProxyHeader: true });
    const client = await rawConnect({ port: endpoint.port });
    await client.send("GET / HTTP/1.1\r\n\r\n");
    assert.match(await client.read.outcome(), /end|ECONNRESET/);
    assert.match(endpoint.errors[0] ?? "", /no PROXY header/);
  });

  it("speak HTTP with keep-alive, over a unix socket too, and count connections", async () => {
    const path = join(await makeTempFolder(), "http.sock");
    const endpoint = await startHttpEndpoint("hello", { path });
    const client = await rawConnect({ path });
    for (let count = 0; count < 2; count += 1) {
      await client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      assert.match(await client.read.until("hello"), /^HTTP\/1\.1 200 OK/);
    }
    assert.equal(endpoint.accepted, 1);
    client.end();
    await client.read.toEnd();
    await eventually(() => endpoint.open.size === 0);
  });

  it("go down and come up at the same address", async () => {
    const host = uniqueVirtualIp();
    const endpoint = await startEchoEndpoint({ host });
    await endpoint.close();
    await assert.rejects(rawConnect({ host, port: endpoint.port }), { code: "ECONNREFUSED" });
    await endpoint.listen();
    await rawConnect({ host, port: endpoint.port });
  });

  it("do not read, swallow, reset or never answer a connect", async () => {
    const sink = await rawConnect({ port: (await startSinkEndpoint()).port });
    sink.socket.write(patternBytes(16 << 20));
    const swallowing = await startSwallowingEndpoint();
    const swallowed = await rawConnect({ port: swallowing.port });
    await swallowed.send(patternBytes(16 << 20));
    swallowed.end();
    assert.equal((await swallowed.read.toEnd()).length, 0);
    assert.ok(sink.socket.writableLength > 0);
    const cut = await rawConnect({ port: (await startResettingEndpoint(100)).port });
    await cut.send("go");
    assert.equal(await cut.read.outcome(), "ECONNRESET");
    const silent = await startUnresponsiveEndpoint(uniqueVirtualIp());
    await assert.rejects(rawConnect({ ...silent, deadlineMs: 300 }), /not within 300 ms/);
  });
});
