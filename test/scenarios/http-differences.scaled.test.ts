import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DIFFERENCE_CASES } from "../fixtures/http-differences/all-cases.ts";
import { runToExit } from "#harness/child-process.ts";
import { type DifferenceCase, get, TAG } from "#harness/difference-case.ts";
import { cellsOf, readDifferenceTable } from "#harness/difference-table.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { orderedAnswersTo, type OrderedAnswers } from "#harness/ordered-answers.ts";
import { findProgram, requirePackage } from "#harness/packages.ts";
import { startRecordingEndpoint, type RecordingEndpoint } from "#harness/recording-endpoint.ts";
import {
  outcomeOf,
  ownLinesOf,
  type RequestOutcome,
  type SentRequest,
} from "#harness/request-outcome.ts";
import { startShop } from "#harness/shop.ts";
import type { IssuedCertificate } from "#harness/test-ca.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";
import { startHaproxyTls, startNginxTls } from "#harness/tls-proxies.ts";

const answerMs = 10_000;
/** A proxy that has not answered by then waits for more of the request. nginx waits for 5 seconds after a refusal. */
const waitsMs = 2_500;
const clientsAtOnce = 8;
/** A request that is still under way has reached the endpoint by then. */
const settleMs = 1_000;

/** The versions that the table is about. */
const PEERS = [
  ["haproxy", /\b2\.6\./],
  ["nginx", /\b1\.22\./],
] as const;

const table = readDifferenceTable();

/** The request of a case, and behind it an innocent one, which ends the connection. */
async function send(
  { text, waits }: Omit<DifferenceCase, "name">,
  tag: string,
  proxy: TlsConnectOptions,
): Promise<{ readonly sent: SentRequest; readonly answers: OrderedAnswers }> {
  const sent = { tag, text: text.replaceAll(TAG, tag), nextTarget: `/next/${randomUUID()}` };
  const next = ["Host: shop.example", `X-Case: ${tag}`, "Connection: close", "", ""].join("\r\n");
  const bytes = Buffer.from(`${sent.text}GET ${sent.nextTarget} HTTP/1.1\r\n${next}`, "latin1");
  const answers = await orderedAnswersTo(bytes, proxy, {
    deadlineMs: waits ? waitsMs : answerMs,
    isHead: text.startsWith("HEAD "),
  });
  return { sent, answers };
}

async function outcomesOf(
  proxy: TlsConnectOptions,
  { arrived }: RecordingEndpoint,
): Promise<ReadonlyMap<string, RequestOutcome>> {
  const plain = await send({ text: get(), waits: false }, "case-9999", proxy);
  const own = ownLinesOf(plain.sent, arrived.get("case-9999") ?? []);
  const seen = new Map<string, Awaited<ReturnType<typeof send>>>();
  const waiting = DIFFERENCE_CASES.entries();
  const work = async (): Promise<void> => {
    for (const [at, one] of waiting) {
      const tag = `case-${String(at).padStart(4, "0")}`;
      seen.set(one.name, await send(one, tag, proxy));
    }
  };
  await Promise.all(Array.from({ length: clientsAtOnce }, work));
  await sleep(settleMs);
  assert.deepEqual(arrived.get("none") ?? [], [], "requests that no client has sent");
  return new Map(
    [...seen].map(([name, { sent, answers }]) => {
      return [name, outcomeOf(sent, answers, arrived.get(sent.tag) ?? [], own)];
    }),
  );
}

describe("the table of differences", () => {
  it("names each case once at most, and gives a reason for each row", () => {
    assert.ok(DIFFERENCE_CASES.length >= 300);
    const names = DIFFERENCE_CASES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    const inTable = table.flatMap(({ cases }) => cases);
    assert.equal(new Set(inTable).size, inTable.length);
    assert.deepEqual(
      inTable.filter((name) => !names.includes(name)),
      [],
    );
    for (const { reason, cases } of table) assert.match(reason, /RFC \d+ section \d/, cases.join());
  });
});

/** Other versions differ from the director in other ways. */
async function requirePeers(t: TestContext): Promise<boolean> {
  if (!(await requirePackage(t, "haproxy"))) return false;
  if (!(await requirePackage(t, "nginx-light", "nginx"))) return false;
  for (const [program, version] of PEERS) {
    const { stdout, stderr } = await runToExit(findProgram(program) ?? program, ["-v"]);
    const text = (stdout + stderr).trim().split("\n")[0] ?? "";
    if (version.test(text)) continue;
    t.skip(`the table is that of ${String(version)}, and this is ${text}`);
    return false;
  }
  return true;
}

forEachEngineIfLong("bun", (engine) => {
  let byDirector: ReadonlyMap<string, RequestOutcome>;
  let client: TlsConnectOptions;
  let certificate: IssuedCertificate;

  before(async () => {
    const endpoint = await startRecordingEndpoint();
    const listeners = { web: { to: endpoint.endpoint.port, mode: "http" } };
    const shop = await startShop({ engine, listeners });
    certificate = await shop.ca.issue({ names: ["shop.example"] });
    client = shop.clientOf("web");
    byDirector = await outcomesOf(client, endpoint);
  });

  it("does what the table says", () => {
    const wrong = table.flatMap(({ cases, director }) =>
      cases.flatMap((name) => {
        const seen = byDirector.get(name)?.text;
        return seen === director ? [] : [{ name, seen, known: director }];
      }),
    );
    assert.deepEqual(wrong, []);
  });

  it("differs from HAProxy and nginx in what the table says, and in nothing else", async (t) => {
    if (!(await requirePeers(t))) return;
    const ofHaproxy = await startRecordingEndpoint();
    const ofNginx = await startRecordingEndpoint();
    const haproxy = await startHaproxyTls({ certificate, to: ofHaproxy.endpoint.port });
    const nginx = await startNginxTls({ certificate, to: ofNginx.endpoint.port });
    const [byHaproxy, byNginx] = await Promise.all([
      outcomesOf({ ...client, host: haproxy.host, port: haproxy.port }, ofHaproxy),
      outcomesOf({ ...client, host: nginx.host, port: nginx.port }, ofNginx),
    ]);
    const wrong = DIFFERENCE_CASES.flatMap(({ name }) => {
      const [director, first, second] = [byDirector, byHaproxy, byNginx].map((by) => by.get(name));
      assert.ok(director !== undefined && first !== undefined && second !== undefined);
      const seen = cellsOf({ director, haproxy: first, nginx: second });
      const known = table.find(({ cases }) => cases.includes(name))?.cells;
      return seen === known ? [] : [{ name, seen, known }];
    });
    assert.deepEqual(wrong, []);
  });
});
