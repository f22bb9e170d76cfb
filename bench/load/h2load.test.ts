import assert from "node:assert/strict";
import { test } from "node:test";
import { failureIn, h2loadArgsOf } from "./h2load.ts";
import { defaultTls, type LoadPlan } from "./messages.ts";

const plan: LoadPlan = {
  load: "h2load",
  target: { listeners: [{ virtualIp: "127.0.0.9", port: 443 }], caPem: "" },
  tls: { ...defaultTls, alpn: "h2" },
  concurrency: 160,
  connections: 16,
  operations: 1_000,
  http: { request: "short", bodyBytes: 10 },
};

const output = (successes: number, group = "X25519 253 bits"): string => `
Application protocol: h2
TLS Protocol: TLSv1.3
Cipher: TLS_AES_128_GCM_SHA256
Server Temp Key: ${group}
progress: 100% done
requests: 1000 total, 1000 started, 1000 done, ${successes} succeeded, ${1_000 - successes} failed, 0 errored, 0 timeout
status codes: ${successes} 2xx, 0 3xx, ${1_000 - successes} 4xx, 0 5xx
`;

test("the streams of all connections of h2load make up the concurrency", () => {
  const args = h2loadArgsOf(plan).join(" ");
  assert.match(args, /-n 1000 -c 16 -m 10 /);
  assert.match(args, / --connect-to=127\.0\.0\.9:443 https:\/\/bench\.test\/body\/10$/);
});

test("a run of h2load counts only if all answers are 2xx and the connection is as planned", () => {
  assert.equal(failureIn(output(1_000), plan), undefined);
  assert.match(
    failureIn(output(999), plan) ?? "",
    /got 999 of 1000 answers \(requests: 1000 total/,
  );
  assert.match(failureIn(output(1_000, "P-256 256 bits"), plan) ?? "", /negotiated .*P-256/);
  assert.match(failureIn("", plan) ?? "", /negotiated nothing/);
});
