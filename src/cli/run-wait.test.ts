import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { runWait } from "./run-wait.ts";

const PAGE = 1_000;
const vnics = Array.from({ length: PAGE + 1 }, (_, at) => ({
  ...{ name: `front.shop-${at}`, admin: "up", oper: "up" },
}));

/** Lists vNICs as the admin API does: at most a page of those that have the wanted name. */
async function startAdminSocket(): Promise<string> {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const server = createServer(({ url = "" }, response) => {
    const name = new URL(url, "http://tlsd").searchParams.get("name");
    const found = vnics.filter((vnic) => name === null || vnic.name === name);
    response.end(JSON.stringify(url === "/readyz" ? {} : found.slice(0, PAGE)));
  });
  const listening = Promise.withResolvers<void>();
  server.listen(socketPath, () => listening.resolve());
  await listening.promise;
  closeAtTestEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return socketPath;
}

test("a vNIC is found however many there are", async () => {
  const name = `front.shop-${PAGE}`;
  let printed = "";
  await runWait(
    {
      ...{ socketPath: await startAdminSocket(), timeoutMs: 5_000, pid: undefined, isJson: false },
      wanted: { kind: "vnic", name, state: "up" },
    },
    {
      isInteractive: false,
      out: (text) => {
        printed += text;
      },
      err: () => undefined,
    },
  );
  assert.equal(printed, `The vnic ${name} is up.\n`);
});
