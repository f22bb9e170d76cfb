import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleServer, sampleStatus } from "#harness/sample-director.ts";
import { showConnections } from "./show/show-connections.ts";
import { showServers } from "./show/show-servers.ts";
import { showStatus } from "./show/show-status.ts";

const nowMs = 1_700_000_000_000;
const orphans = { workers: 2, until: new Date(nowMs + 12_000).toISOString() };
const sentence =
  /Connections in 2 workers of an earlier director that was killed are neither listed nor counted\. They end, or are cut, in 12 s at the latest\./;
const drained = { ...sampleServer, admin: "drain", openConnections: 0 } as const;
const none = { total: 0, shown: 0, silentWorkers: 0, connections: [] };

test("a drained server is shown as empty only when no worker of an earlier director runs", () => {
  assert.match(showServers.text([drained], nowMs, undefined), /empty/);
  const text = showServers.text([{ ...drained, orphans }], nowMs, undefined);
  assert.doesNotMatch(text, /empty/);
  assert.match(text, sentence);
});

test("the status and the list of connections say that connections are missing", () => {
  assert.match(showStatus.text({ ...sampleStatus, orphans }, nowMs, undefined), sentence);
  assert.equal(showConnections.text(none, nowMs, undefined), "There are no open connections.\n");
  const text = showConnections.text({ ...none, orphans }, nowMs, undefined);
  assert.match(text, /^There are no open connections in the workers of this director\.\n/);
  assert.match(text, sentence);
});
