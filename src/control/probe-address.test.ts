import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { listenerNameOf, vnicNameOf } from "#model/names.ts";
import type { Snapshot, SnapshotListener } from "#model/records/snapshot.ts";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { probeNewAddresses } from "./probe-address.ts";

const listeningOn = (virtualIp: string, port: number): Snapshot => {
  const name = listenerNameOf(vnicNameOf("front", "shop"), port);
  const listener = { name, virtualIp, port } as SnapshotListener;
  return { ...emptyCompiled(1).snapshot, listeners: [listener] };
};

async function occupy(virtualIp: string, reusePort: boolean): Promise<number> {
  const port = await freePort(virtualIp);
  const server = createServer();
  await new Promise<void>((resolve) =>
    server.listen({ host: virtualIp, port, reusePort }, resolve),
  );
  closeAtTestEnd(() => void server.close());
  return port;
}

test("a free address passes and is free afterwards", async () => {
  const virtualIp = uniqueVirtualIp();
  const port = await freePort(virtualIp);
  await probeNewAddresses(undefined, listeningOn(virtualIp, port));
  await probeNewAddresses(undefined, listeningOn(virtualIp, port));
});

for (const reusePort of [false, true]) {
  test(`an address that another program holds is a named failure (SO_REUSEPORT ${reusePort})`, async () => {
    const virtualIp = uniqueVirtualIp();
    const port = await occupy(virtualIp, reusePort);
    await assert.rejects(probeNewAddresses(undefined, listeningOn(virtualIp, port)), {
      code: "address-in-use",
      detail: `Listener front.shop:${port} on ${virtualIp}:${port}: EADDRINUSE.`,
    });
  });
}

test("an address that the workers already use is not probed", async () => {
  const virtualIp = uniqueVirtualIp();
  const port = await occupy(virtualIp, true);
  const snapshot = listeningOn(virtualIp, port);
  await probeNewAddresses(snapshot, snapshot);
});

test("an address that this machine does not have is a named failure", async () => {
  await assert.rejects(probeNewAddresses(undefined, listeningOn("192.0.2.1", 8443)), {
    code: "address-not-available",
  });
});
