import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { requirePackage } from "./packages.ts";
import { proxyV1Header, proxyV2Header, tlvTypes } from "./proxy-header.ts";
import {
  startHaproxyEndpoint,
  startNginxEndpoint,
  type HaproxyView,
  type NginxView,
  type RealEndpoint,
} from "./real-endpoints.ts";
import { rawConnect } from "./socket-client.ts";

const addresses = {
  clientAddress: "203.0.113.7",
  clientPort: 4711,
  virtualIp: "127.0.1.10",
  virtualPort: 8443,
};

async function ask(endpoint: RealEndpoint, header: Buffer): Promise<unknown> {
  const client = await rawConnect(endpoint);
  await client.send(header);
  await client.send("GET /x HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
  const reply = (await client.read.toEnd()).toString();
  return JSON.parse(reply.slice(reply.indexOf("\r\n\r\n")));
}

describe("the real endpoints", () => {
  it("nginx shows the PROXY header that it understood", async (t) => {
    if (!(await requirePackage(t, "nginx-light", "nginx"))) return;
    const endpoint = await startNginxEndpoint({ expectsProxyHeader: true });
    for (const header of [proxyV1Header(addresses), proxyV2Header(addresses)]) {
      const view = (await ask(endpoint, header)) as NginxView;
      assert.equal(view.proxy_protocol_addr, "203.0.113.7");
      assert.equal(view.proxy_protocol_port, "4711");
      assert.equal(view.proxy_protocol_server_addr, "127.0.1.10");
      assert.equal(view.proxy_protocol_server_port, "8443");
      assert.equal(view.host, "shop.example");
    }
    const plain = (await ask(await startNginxEndpoint(), Buffer.alloc(0))) as NginxView;
    assert.equal(plain.proxy_protocol_addr, "");
    assert.equal(plain.remote_addr, "127.0.0.1");
  });

  it("HAProxy shows the PROXY header and the TLVs that it understood", async (t) => {
    if (!(await requirePackage(t, "haproxy"))) return;
    const endpoint = await startHaproxyEndpoint({ expectsProxyHeader: true });
    const tlvs = [
      { type: tlvTypes.authority, value: Buffer.from("shop.example") },
      { type: tlvTypes.uniqueId, value: Buffer.from("connection-1") },
    ];
    const first = (await ask(endpoint, proxyV1Header(addresses))) as HaproxyView;
    assert.equal(first.src, "203.0.113.7");
    const view = (await ask(endpoint, proxyV2Header(addresses, tlvs))) as HaproxyView;
    assert.deepEqual(view, {
      src: "203.0.113.7",
      src_port: "4711",
      dst: "127.0.1.10",
      dst_port: "8443",
      fc_rcvd_proxy: "1",
      fc_pp_authority: "shop.example",
      fc_pp_unique_id: "connection-1",
    } satisfies HaproxyView);
    const plain = (await ask(await startHaproxyEndpoint(), Buffer.alloc(0))) as HaproxyView;
    assert.equal(plain.fc_rcvd_proxy, "0");
  });
});
