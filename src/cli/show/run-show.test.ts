import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { DirectorError } from "#model/failure.ts";
import { startProcess, type ProcessResult } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { findProgram } from "#harness/packages.ts";
import {
  sampleCertificate,
  sampleHandshake,
  sampleOpenConnection,
  sampleServer,
  sampleStatus,
  sampleVnic,
  sampleWorker,
} from "#harness/sample-director.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { projectFolder, runTlsd, startTlsd } from "#harness/tlsd.ts";

const replies: Readonly<Record<string, unknown>> = {
  "/v1/status": sampleStatus,
  "/v1/workers": [sampleWorker, { ...sampleWorker, id: 12, state: "draining" }],
  "/v1/vnics": [sampleVnic],
  "/v1/servers": [sampleServer],
  "/v1/connections?limit=50&vnic=front.shop&client=192.0.2.1": {
    ...{ total: 8_000, shown: 1, silentWorkers: 1 },
    connections: [sampleOpenConnection],
  },
  "/v1/listeners": sampleVnic.listeners,
  "/v1/certificates": sampleStatus.certificates,
  "/v1/certificates/shop/status": sampleCertificate,
  "/v1/handshakes?limit=50": [sampleHandshake],
  "/v1/handshakes?limit=1": [],
  "/v1/handshakes?limit=50&vnic=nothing*": [],
  "/v1/handshakes?limit=50&listener=*%3A8443": [sampleHandshake],
  "/v1/handshakes?limit=50&vnic=front.*&group=cause": { groups: [], total: 0, kept: 0 },
  "/v1/connections?limit=50&vnic=front.*": {
    ...{ total: 1, shown: 1, silentWorkers: 0 },
    connections: [sampleOpenConnection],
  },
  "/v1/handshakes?limit=50&vnic=other.shop": [],
  "/v1/handshakes?limit=50&vnic=front.shop": [sampleHandshake, sampleHandshake],
  "/v1/handshakes?limit=1&listener=front.shop%3A8443": [sampleHandshake],
  "/v1/handshakes?limit=50&group=cause%2Cclient&cause=deadline": {
    groups: [
      {
        ...{ cause: "deadline", client: "192.0.2.1", count: 21_000, kept: 4_000 },
        ...{ firstAtMs: 1_700_000_000_000, lastAtMs: 1_700_000_060_000 },
        ...{ example: { ...sampleHandshake, hint: "" }, hint: "The client did not finish." },
      },
    ],
    ...{ total: 3, kept: 9_000 },
  },
};

/** Serves `replies` like the admin API on a unix socket. Any other path is not found. */
async function startAdminSocket(): Promise<string> {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const server = createServer(({ url = "" }, response) => {
    const reply = replies[url];
    response.statusCode = reply === undefined ? 404 : 200;
    response.end(JSON.stringify(reply ?? new DirectorError("not-found", `${url}.`).toShape()));
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

async function show(
  socketPath: string,
  args: readonly string[],
): Promise<Pick<ProcessResult, "code" | "stdout" | "stderr">> {
  const env = { TLSD_SOCKET: socketPath };
  const { code, stdout, stderr } = await runTlsd(["show", ...args], { env });
  return { code, stdout, stderr };
}

test("status is shown in lines, including what needs attention", async () => {
  const { code, stdout } = await show(await startAdminSocket(), ["status"]);
  assert.equal(code, 0);
  assert.match(stdout, /^director {6}0\.1\.0, serving, pid 4320$/m);
  assert.match(stdout, /^workers {7}1 of 1 serve, engine bun$/m);
  assert.match(stdout, /^certificates {2}0 ok, 1 refused$/m);
  assert.match(stdout, /^refused {7}shop: The key does not match\.$/m);
  assert.match(stdout, /^last change {3}refused: profiles\.shop: no$/m);
  assert.match(stdout, /^warning {7}certificates\.old: No listener uses it\.$/m);
  assert.match(stdout, /^notice {8}There is no boundary\.$/m);
});

test("lists are tables", async () => {
  const socketPath = await startAdminSocket();
  const vnics = await show(socketPath, ["vnics"]);
  assert.deepEqual(vnics.stdout.split("\n"), [
    "VNIC        STATE    VIRTUAL IP  LISTENERS  SERVERS  OPEN  ENDPOINTS UP  CONN/S  HANDSH/S  BYTES/S",
    "front.shop  up/down  127.0.1.10  8443 tcp   web-1       3  0 of 1           2.5         2  1.5 KiB",
    "",
  ]);
  const listeners = await show(socketPath, ["listeners"]);
  assert.match(
    listeners.stdout,
    /^front\.shop:8443 {2}tcp {3}8080 {2}up {5}intermediate {6}0 {5}3 {2}shop$/m,
  );
  const certificates = await show(socketPath, ["certificates"]);
  assert.match(
    certificates.stdout,
    /^shop +refused +refused +ecdsa P-256 +2027-01-15 08:00:00Z \(.+\) +1 +ab12 /m,
  );
  assert.match(
    certificates.stdout,
    /^Needs attention:\n {2}shop, refused: The key does not match\. The previous version is served\. Use its key\.$/m,
  );
  const workers = await show(socketPath, ["workers"]);
  assert.match(
    workers.stdout,
    /^ {5}1 {2}4321 {2}serving +2 +3 +33\.4 MiB +0\.8 ms +\d+ d {2}bun/m,
  );
});

test("one certificate is shown with everything, and control characters are escaped", async () => {
  const { code, stdout } = await show(await startAdminSocket(), ["certificate", "shop"]);
  assert.equal(code, 0);
  for (const line of [
    /^certificate {3}shop$/m,
    /^key {11}ecdsa P-256$/m,
    /^SPKI pin {6}sha256\/q6s=$/m,
    /^handshakes {4}5 new, 2 resumed$/m,
    /^failures {6}3 unknown_ca$/m,
    /^ {2}refused: The key does not match\. The previous version is served\. Use its key\.$/m,
    /^ {4}1 {2}CN=shop\.demo\.test {2}CN=Demo CA\\u\{1b\}\[2J /m,
    /^front\.shop:8443 {2}clients {3}profiles\.shop/m,
  ]) {
    assert.match(stdout, line);
  }
});

test("handshakes are shown with an explanation, and control characters of the client are escaped", async () => {
  const { code, stdout } = await show(await startAdminSocket(), ["handshakes", "--failed"]);
  assert.equal(code, 0);
  const [, row = "", , words] = stdout.split("\n");
  assert.deepEqual(row.split(/ {2,}/), [
    "2023-11-14 22:13:20Z",
    "front.shop:8443",
    "192.0.2.1:50000 by 192.0.2.9",
    "shop\\u{1b}",
    "over-limit (address-handshake-rate)",
    "x; offers TLSv1.2; ALPN h2; 1 ms",
  ]);
  assert.equal(words, "  over-limit: A limit of the vNIC or of the director was reached.");
});

test("servers are shown with their last error, and what is wrong with them", async () => {
  const { stdout } = await show(await startAdminSocket(), ["servers", "web-*"]);
  const [, row = "", ...rest] = stdout.split("\n");
  const [name, state, , ...cells] = row.split(/ {2,}/);
  assert.deepEqual(
    [name, state, ...cells],
    [
      ...["web-1", "up/down", "127.0.0.1", "1", "7", "4", "shop", "web-2"],
      "2026-01-01 00:00:02Z refused (front.shop)",
    ],
  );
  assert.match(rest.join("\n"), /^ {2}web-1: front\.shop: The endpoint refused/m);
});

test("connections are shown with age and bytes, and a sample says so", async () => {
  const args = ["connections", "front.shop", "--client", "192.0.2.1"];
  const { stdout } = await show(await startAdminSocket(), args);
  const [, row = "", ...rest] = stdout.split("\n");
  assert.deepEqual(row.split(/ {2,}/), [
    ...["front.shop:8443", "192.0.2.1:50000", "shop\\u{1b}", "web-1 127.0.0.1:8080", "relaying"],
    ...["2 min", "512 B", "1.5 MiB", "2.0 KiB/s"],
  ]);
  assert.match(rest.join("\n"), /1 of 8000 connections are shown/);
  assert.match(rest.join("\n"), /1 workers did not answer in time/);
  const wrong = await show("/nowhere", ["connections", "front.shop", "--vnic", "back.shop"]);
  assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
});

test("an empty list of failed handshakes is not a failure", async () => {
  const socketPath = await startAdminSocket();
  for (const args of [["--limit", "1"], ["other.shop"]]) {
    const { code, stdout } = await show(socketPath, ["handshakes", ...args]);
    assert.deepEqual([code, stdout], [0, "There are no failed handshakes.\n"]);
  }
});

test("handshakes are filtered by the director, by name and by option", async () => {
  const socketPath = await startAdminSocket();
  const count = async (...args: readonly string[]): Promise<number> => {
    const { stdout } = await show(socketPath, ["handshakes", ...args, "--json"]);
    return (JSON.parse(stdout) as unknown[]).length;
  };
  assert.equal(await count("front.shop"), 2);
  assert.equal(await count("front.shop:8443", "--limit", "1"), 1);
  assert.equal(await count("*:8443"), 1);
});

test("groups of handshakes have a column for each grouping, and say how many there are", async () => {
  const args = ["handshakes", "--group", "cause,client", "--cause", "deadline"];
  const { stdout } = await show(await startAdminSocket(), args);
  const [head = "", row = "", ...rest] = stdout.split("\n");
  assert.deepEqual(head.trim().split(/ {2,}/), [
    "COUNT",
    "KEPT",
    "CAUSE",
    "CLIENT",
    "FIRST",
    "LAST",
  ]);
  assert.deepEqual(row.trim().split(/ {2,}/), [
    ...["21000", "4000", "deadline", "192.0.2.1"],
    ...["2023-11-14 22:13:20Z", "2023-11-14 22:14:20Z"],
  ]);
  assert.match(rest.join("\n"), /1 of 3 groups/);
  assert.match(rest.join("\n"), /^ {2}deadline: The client did not finish\.$/m);
});

test("--json prints what the director replied", async () => {
  const socketPath = await startAdminSocket();
  const { stdout } = await show(socketPath, ["status", "--json"]);
  assert.deepEqual(JSON.parse(stdout), sampleStatus);
  const named = await show(socketPath, ["workers", "12", "--json"]);
  assert.deepEqual(JSON.parse(named.stdout), [{ ...sampleWorker, id: 12, state: "draining" }]);
});

test("NAME selects, and a name that does not exist is a failure", async () => {
  const socketPath = await startAdminSocket();
  for (const [kind, name] of [
    ["vnics", "shop"],
    ["vnics", "front.shop"],
    ["listeners", "front.shop"],
    ["listeners", "front.shop:8443"],
    ["certificates", "shop"],
    ["workers", "1"],
    ["vnics", "front.*"],
    ["vnics", "s*p"],
    ["listeners", "*.shop"],
    ["listeners", "*:8443"],
    ["workers", "1*"],
    ["handshakes", "nothing*"],
    ["connections", "front.*"],
  ] as const) {
    assert.equal((await show(socketPath, [kind, name])).code, 0, `${kind} ${name}`);
  }
  const groups = await show(socketPath, ["handshakes", "front.*", "--group", "cause"]);
  assert.equal(groups.code, 0);
  const { code, stderr } = await show(socketPath, ["vnics", "front"]);
  assert.equal(code, 1);
  assert.match(stderr, /^tlsd: not-found: Not found\. There is no vnic "front"\.\n {2}/);
});

test("a missing director is a failure with code, message and hint", async () => {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const text = await show(socketPath, ["status"]);
  assert.equal(text.code, 1);
  assert.equal(text.stdout, "");
  assert.match(
    text.stderr,
    /^tlsd: director-unreachable: No director answers .*ENOENT\)\.\n {2}Start one/,
  );
  const json = await show(socketPath, ["status", "--json"]);
  assert.equal(json.code, 1);
  const failure = JSON.parse(json.stdout) as Record<string, string>;
  assert.deepEqual(Object.keys(failure), ["code", "message", "hint"]);
  assert.equal(failure["code"], "director-unreachable");
});

test("--watch prints again until it is interrupted, which is not a failure", async () => {
  const socketPath = await startAdminSocket();
  const args = ["show", "workers", "--watch", "--json", "--socket", socketPath];
  const running = await startTlsd(args);
  const lines = (): number => running.output().split("\n").length - 1;
  await eventually(() => lines() >= 2, 10_000, "two rounds");
  assert.equal((JSON.parse(running.output().split("\n")[0] ?? "") as unknown[]).length, 2);
  running.child.kill("SIGINT");
  const { code, signal } = await running.exited;
  assert.deepEqual([code, signal], [0, null]);
});

test("on a terminal, tables are folded and --watch updates in place until Ctrl-C", async (t) => {
  if (findProgram("script") === undefined) return t.skip("there is no script(1)");
  const socketPath = await startAdminSocket();
  const tlsd = `'${process.execPath}' '${join(projectFolder, "src/main.ts")}'`;
  const command = `stty rows 30 cols 60; exec ${tlsd} show handshakes --watch --socket '${socketPath}'`;
  const running = await startProcess("script", ["-qec", command, "/dev/null"]);
  const rounds = (): number => running.output().split("\u001b[H").length - 1;
  await eventually(() => rounds() >= 3, 15_000, "two rounds after the clear screen");
  running.child.stdin?.write("\u0003");
  const { code, stdout } = await running.exited;
  assert.equal(code, 0);
  assert.ok(stdout.startsWith("\u001b[?25l\u001b[?7l\u001b[H\u001b[2J\u001b[H"));
  assert.ok(stdout.endsWith("\r\u001b[K\u001b[?7h\u001b[?25h"), JSON.stringify(stdout.slice(-40)));
  assert.equal(stdout.split("\u001b[2J").length, 2);
  const [frame = ""] = stdout.slice(stdout.lastIndexOf("\u001b[H") + 3).split("\u001b[J");
  const lines = frame.split("\u001b[K\r\n");
  const row = lines.indexOf("2023-11-14 22:13:20Z  front.shop:8443");
  assert.match(lines[row + 1] ?? "", /^ {4}192\.0\.2\.1:50000 by 192\.0\.2\.9 /);
  for (const line of lines) assert.ok(line.length <= 60, line);
});

test("a reader that closes the output is not a failure", async () => {
  const socketPath = await startAdminSocket();
  const running = await startTlsd(["show", "workers", "--watch", "--socket", socketPath]);
  await eventually(() => running.output() !== "", 10_000, "the first round");
  running.child.stdout?.destroy();
  await delay(10);
  const { code, signal } = await running.exited;
  assert.deepEqual([code, signal], [0, null]);
});
