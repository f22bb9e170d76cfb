import assert from "node:assert/strict";
import { test } from "node:test";
import { startEndpoint } from "#harness/endpoint.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { AddressRule } from "#control/check-new-endpoints.ts";
import { CheckContexts } from "./check-contexts.ts";
import type { CheckSettings } from "./check-settings.ts";
import { runCheck } from "./run-check.ts";

const SETTINGS: CheckSettings = {
  ...{ type: "tcp", intervalMs: 2_000, timeoutMs: 30_000, rise: 2, fall: 3 },
  ...{ proxyProtocol: "none", tls: undefined, http: undefined },
};

test("a check connects to no address of a name that is not allowed, and says nothing about the endpoint then", async () => {
  let accepted = 0;
  const { port } = await startEndpoint((socket) => {
    accepted += 1;
    socket.resume();
  });
  const at: SnapshotEndpoint = { kind: "remote", server: "x", host: "localhost", port };
  const asked = (rule: AddressRule) => runCheck(at, SETTINGS, new CheckContexts(), rule);
  const isOurs: AddressRule = (_address, to) => (to === port ? "which is ours" : undefined);
  const refused = await asked(isOurs);
  assert.equal(refused.isUp, undefined);
  assert.match(refused.text, / cannot check it: localhost is at [0-9.:]+, which is ours\.$/);
  assert.equal(accepted, 0);
  const others = await asked((address, to) =>
    address === "127.0.0.1" ? undefined : isOurs("", to),
  );
  assert.deepEqual(others, { isUp: true });
});
