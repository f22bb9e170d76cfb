import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { ShowKind } from "#cli/show/show-kind.ts";
import { FAILURES } from "#model/failure-catalog.ts";
import type { FailureCode } from "#model/failure.ts";
import { endProcessAtTestEnd, runToExit, untilPrinted } from "#harness/child-process.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { isEvent } from "#harness/log-capture.ts";
import { findProgram } from "#harness/packages.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { ownProgram, runTlsd, startTlsd } from "#harness/tlsd.ts";

const nobody = "65534";
const roundsDeadlineMs = 30_000;

/** The kinds that are read from the document and its history are tested with the commands that change them. */
type DocumentKind = "profiles" | "policies" | "document" | "history" | "revision";
/** `certificate` shows one, and has a test of its own. */
type StateKind = Exclude<ShowKind, DocumentKind | "certificate">;

/** How the text of each kind begins, and a part of it that only this director can say. */
const expectedText: Readonly<Record<StateKind, RegExp>> = {
  status: /^director +\d\S*, serving, pid \d+\n[^]*^workers +1 of 1 serve, engine node$/m,
  workers: /^ *WORKER +PID +STATE [^]*^ *1 +\d+ +serving /m,
  servers: /^SERVER +STATE +SINCE [^]*^web +up\/unknown /m,
  vnics: /^VNIC +STATE +VIRTUAL IP [^]*^front\.shop +up\/up /m,
  listeners: /^LISTENER +MODE +TO [^]*^front\.shop:8443 +tcp /m,
  certificates: /^CERTIFICATE +FILES +ATTENTION +KEY [^]*^shop +ok /m,
  handshakes: /^There are no failed handshakes\.$/m,
  connections: /^There are no open connections\.$/m,
};

/** What a program reads on standard output, and a person on standard error. */
function assertFailure(
  result: { readonly code: number | null; readonly stdout: string; readonly stderr: string },
  code: FailureCode,
  isJson: boolean,
): void {
  const { text, hint } = FAILURES[code];
  assert.equal(result.code, 1);
  if (isJson) {
    const failure = JSON.parse(result.stdout) as Record<string, string>;
    assert.deepEqual([failure["code"], failure["hint"], result.stderr], [code, hint, ""]);
    assert.ok(failure["message"]?.startsWith(text));
    return;
  }
  assert.equal(result.stdout, "");
  const [sentence = "", advice, ...rest] = result.stderr.split("\n");
  assert.ok(sentence.startsWith(`tlsd: ${code}: ${text}`), result.stderr);
  assert.deepEqual([advice, rest], [`  ${hint}`, [""]]);
}

// The control process answers, whatever the engine of its workers.
describe("tlsd show", { concurrency: 3 }, () => {
  let shop: Shop<"web">;

  before(async () => {
    const echo = await startEchoEndpoint();
    shop = await startShop({ engine: "node", listeners: { web: { to: echo.port } } });
    // The versions of the certificates are saved after the start. The first one makes a master key, which the status shows.
    await shop.director.waitForLog((line) => isEvent(line, "master-key-made"), roundsDeadlineMs);
  });

  for (const kind of Object.keys(expectedText) as readonly StateKind[]) {
    it(`${kind} prints a table, or what the admin socket replies`, async () => {
      const { director } = shop;
      const [table, json, reply] = await Promise.all([
        director.cli("show", kind),
        director.cli("show", kind, "--json"),
        director.api(`/v1/${kind}`),
      ]);
      assert.deepEqual([table.code, table.stderr, json.code, json.stderr], [0, "", 0, ""]);
      assert.match(table.stdout, expectedText[kind]);
      assert.ok(table.stdout.endsWith("\n"));
      // What changes from second to second is left out of both.
      const changing = /"(residentBytes|loopDelayMs)": ?[\d.e-]+/g;
      const withoutChanging = (value: unknown): string =>
        JSON.stringify(value).replaceAll(changing, "");
      assert.equal(withoutChanging(JSON.parse(json.stdout)), withoutChanging(reply.body));
    });
  }

  it("finds the socket by --socket, by TLSD_SOCKET, or below the folder that it runs in", async () => {
    const { socketPath, dir } = shop.director;
    const env = { TLSD_SOCKET: "/nowhere/tlsd.sock" };
    const runs = await Promise.all([
      runTlsd(["show", "vnics", "--socket", socketPath], { env }),
      runTlsd(["show", "vnics"], { env: { TLSD_SOCKET: socketPath } }),
      runTlsd(["show", "vnics"], { cwd: dir }),
    ]);
    for (const { code, stdout } of runs) {
      assert.equal(code, 0);
      assert.match(stdout, /^front\.shop +up\/up /m);
    }
  });

  it("names what is wrong where no director answers", async () => {
    const socket = ["--socket", join(await makeTempFolder(), "tlsd.sock")];
    const [text, json] = await Promise.all([
      runTlsd(["show", "status", ...socket]),
      runTlsd(["show", "status", "--json", ...socket]),
    ]);
    assertFailure(text, "director-unreachable", false);
    assertFailure(json, "director-unreachable", true);
  });

  it("names what is wrong with a name", async () => {
    const { director } = shop;
    const [text, json] = await Promise.all([
      director.cli("show", "vnics", "front.sohp"),
      director.cli("show", "certificates", "sohp", "--json"),
    ]);
    assertFailure(text, "not-found", false);
    assert.match(text.stderr, /There is no vnic "front\.sohp"\./);
    assertFailure(json, "not-found", true);
  });

  it("names what is wrong for a user without permission to open the socket", async (t) => {
    if (process.getuid?.() !== 0 || findProgram("setpriv") === undefined) {
      t.skip("only root can run it as another user, with setpriv");
      return;
    }
    const program = [process.execPath, ownProgram];
    const asNobody = ["--reuid", nobody, "--regid", nobody, "--clear-groups", ...program];
    const args = ["show", "status", "--socket", shop.director.socketPath];
    assertFailure(await runToExit("setpriv", [...asNobody, ...args]), "permission-denied", false);
  });

  it("exits 2 on wrong usage, and says how to use it", async () => {
    const { director } = shop;
    const wrong = [
      ["server"],
      ["vnics", "a", "b"],
      ["handshakes", "--limit", "0"],
      ["status", "-x"],
    ];
    const runs = await Promise.all(wrong.map((args) => director.cli("show", ...args)));
    for (const { code, stdout, stderr } of runs) {
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /--help/);
    }
  });

  it("prints again while it watches, waits for a director that is away, and ends on Ctrl-C with 0", async () => {
    const echo = await startEchoEndpoint();
    const own = await startShop({ engine: "node", listeners: { web: { to: echo.port } } });
    const args = ["show", "vnics", "--watch", "--json", "--socket", own.director.socketPath];
    const running = await startTlsd(args);
    endProcessAtTestEnd(running);
    const until = (pattern: RegExp): Promise<void> =>
      untilPrinted(running, pattern, roundsDeadlineMs);
    await until(/^(\[.*"oper":"up".*\]\n){2}/);
    await own.director.stop();
    await until(/"code": "director-unreachable"/);
    running.child.kill("SIGINT");
    const { code, signal } = await running.exited;
    assert.deepEqual([code, signal], [0, null]);
  });
});
