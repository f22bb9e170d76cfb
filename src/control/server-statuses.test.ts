import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import type { ServerOper } from "#model/records/status.ts";
import { serverStatusesOf } from "./server-statuses.ts";

const { draft: document } = parseDocument({
  servers: {
    "web-1": { address: "127.0.0.1" },
    "web-2": { address: "127.0.0.2" },
    spare: { address: "127.0.0.3" },
    idle: { address: "127.0.0.4" },
    drained: { address: "127.0.0.5", admin: "drain" },
  },
  profiles: {
    shop: { servers: ["web-1", "web-2"], standby: ["spare"] },
    news: { servers: ["drained"], standby: ["idle"] },
    blog: { servers: ["web-1"], standby: ["web-2", "spare"] },
  },
});

function statusesWith(opers: Readonly<Record<string, ServerOper>>, ...onStandby: string[]) {
  const figures: Parameters<typeof serverStatusesOf>[1] = {
    serverState: (server) => ({
      ...{ oper: opers[server] ?? "up", sinceMs: 0, reason: undefined, lastError: undefined },
    }),
    serverTotals: () => [],
  };
  const states = serverStatusesOf(document, figures, new Set(onStandby));
  return states.map(({ name, oper, profiles, takenOverBy }) => [name, oper, profiles, takenOverBy]);
}

test("a server is taken over by the standby servers that are not down, of the profiles that are on standby", () => {
  assert.deepEqual(statusesWith({ "web-1": "down" }, "blog", "news"), [
    ["web-1", "down", ["blog", "shop"], ["web-2", "spare"]],
    ["web-2", "up", ["blog", "shop"], []],
    ["spare", "up", ["blog", "shop"], []],
    ["idle", "up", ["news"], []],
    ["drained", "up", ["news"], ["idle"]],
  ]);
  assert.deepEqual(statusesWith({ "web-1": "down", "web-2": "down" }, "shop", "blog"), [
    ["web-1", "down", ["blog", "shop"], ["spare"]],
    ["web-2", "down", ["blog", "shop"], ["spare"]],
    ["spare", "up", ["blog", "shop"], []],
    ["idle", "up", ["news"], []],
    ["drained", "up", ["news"], []],
  ]);
});
