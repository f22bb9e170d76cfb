import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import type { WaitRequest } from "./commands/wait.ts";
import { runWait } from "./run-wait.ts";

const PAGE = 1_000;
const vnics = Array.from({ length: PAGE + 1 }, (_, at) => ({
  ...{ name: `front.shop-${at}`, admin: "up", oper: "up" },
}));

/** Lists vNICs as the admin API does: at most a page of those that have the wanted name. */
const startAdminSocket = (): Promise<string> =>
  startSocket((url) => {
    const name = new URL(url, "http://tlsd").searchParams.get("name");
    const found = vnics.filter((vnic) => name === null || vnic.name === name);
    return url === "/readyz" ? {} : found.slice(0, PAGE);
  });

async function startSocket(replyTo: (url: string) => unknown): Promise<string> {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const server = createServer(({ url = "" }, response) => {
    response.end(JSON.stringify(replyTo(url)));
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

async function wait(
  socketPath: string,
  wanted: WaitRequest["wanted"],
  timeoutMs = 5_000,
): Promise<string> {
  let printed = "";
  await runWait(
    { ...{ socketPath, timeoutMs, pid: undefined, isJson: false }, wanted },
    {
      isInteractive: false,
      out: (text) => {
        printed += text;
      },
      err: () => undefined,
    },
  );
  return printed;
}

test("a vNIC is found however many there are", async () => {
  const name = `front.shop-${PAGE}`;
  const printed = await wait(await startAdminSocket(), { kind: "vnic", name, state: "up" });
  assert.equal(printed, `The vnic ${name} is up.\n`);
});

test("a server is empty only when the workers of an earlier director have ended", async () => {
  const own = { orphans: true };
  const socketPath = await startSocket((url) => {
    if (url === "/readyz") return {};
    if (url.startsWith("/v1/servers")) return [{ name: "web-1", admin: "drain", oper: "up" }];
    const until = new Date(Date.now() + 60_000).toISOString();
    const orphans = own.orphans ? { orphans: { workers: 2, until } } : {};
    return { ...{ total: 0, shown: 0, silentWorkers: 0, connections: [] }, ...orphans };
  });
  const wanted = { kind: "server", name: "web-1", state: "empty" } as const;
  await assert.rejects(wait(socketPath, wanted, 1_000), {
    code: "wait-expired",
    detail: /2 workers of an earlier director that was killed/,
  });
  own.orphans = false;
  assert.equal(await wait(socketPath, wanted), "The server web-1 is empty.\n");
});
