import assert from "node:assert/strict";
import { afterEach, before, describe, it } from "node:test";
import { escapeControls } from "#model/escape-controls.ts";
import type { ExplainedHandshake } from "#model/records/handshake-groups.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { killTreeAtTestEnd, startProcess, untilPrinted } from "#harness/child-process.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { failedHandshakeWhere } from "#harness/failed-handshakes.ts";
import type { LogLine } from "#harness/log-capture.ts";
import { requirePackage } from "#harness/packages.ts";
import { failureLineOf, recordedVisit, servedText, visit } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";
import { ownProgram, prepareServe, projectFolder } from "#harness/tlsd.ts";

/** Ends a line and a string, forges a line, clears a terminal (7 and 8 bits), rings, turns text round. */
const hostileName = 'a"\r\n{event: forged}\u0000\u001b[2J\u0007\u009b2J\u202e\u2028\u2029z';
/** The octets of a protocol's name (RFC 7301 section 3.1) may be any. */
const hostileProtocol = Buffer.from('h"\\\r\n\u0000\u001b[2J\u0085\u009b', "latin1");

const colour = new RegExp(`${String.fromCodePoint(0x1b)}\\[\\d+m`, "g");
const ctrlC = "\u0003";
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const alpnOf = (protocol: Buffer): Uint8Array =>
  Buffer.concat([Buffer.from([protocol.length]), protocol]);

function assertHarmless(value: unknown): void {
  if (typeof value === "string") assert.doesNotMatch(value, unsafe);
  else if (typeof value === "object" && value !== null)
    Object.values(value).forEach(assertHarmless);
}

function assertSound(logs: readonly LogLine[]): void {
  for (const line of logs) {
    assert.equal(typeof line["event"], "string", JSON.stringify(line));
    assertHarmless(line);
  }
}

const policies = {
  asking: { clientAuth: { mode: "request", ca: "clients.pem" } },
  web: { alpn: ["http/1.1"] },
};

async function issueHostile(): Promise<{
  readonly ca: TestCa;
  readonly client: IssuedCertificate;
}> {
  const ca = await createTestCa();
  const client = await ca.issue({ names: ["x.example"], commonName: hostileName, usage: "client" });
  return { ca, client };
}

describe("hostile text", { concurrency: true }, () => {
  forEachEngineIfLong("node", (engine) => {
    let shop: Shop<"asking" | "web" | "strict" | "proxied">;
    let client: IssuedCertificate;

    before(async () => {
      const endpoint = await startHttpEndpoint(servedText);
      const issued = await issueHostile();
      client = issued.client;
      shop = await startShop({
        engine,
        listeners: {
          asking: { to: endpoint.port, policy: "asking" },
          web: { to: endpoint.port, policy: "web" },
          strict: { to: endpoint.port, strictServerName: true },
          proxied: { to: endpoint.port, acceptProxyProtocol: ["127.0.0.0/8"] },
        },
        more: { policies },
        files: { "clients.pem": issued.ca.certificatePem },
      });
    });

    /** The line of a handshake that must fail, and the address that it came from. */
    async function refused(listener: "web" | "strict" | "proxied", options: TlsConnectOptions) {
      const localAddress = uniqueVirtualIp();
      await assert.rejects(visit({ ...shop.clientOf(listener), ...options, localAddress }));
      return { line: await failureLineOf(shop.director, localAddress), localAddress };
    }

    describe("of a client", { concurrency: false }, () => {
      // Whatever a test has sent breaks no line of the log.
      afterEach(() => assertSound(shop.director.logs));

      it("in the name of its certificate stands escaped in the access line", async () => {
        const certificate = { cert: client.chainPem, key: client.keyPem };
        const { line } = await recordedVisit(shop.director, {
          ...shop.clientOf("asking"),
          ...certificate,
        });
        assert.equal(line["clientCertificate"], escapeControls(hostileName));
      });

      it("as the name of a protocol is escaped in the log and by the command, and kept as it came", async () => {
        const ALPNProtocols = alpnOf(hostileProtocol);
        const { line, localAddress } = await refused("web", { ALPNProtocols });
        assert.equal(line["failure"], "no-shared-alpn");
        const asText = hostileProtocol.toString("latin1");
        assert.deepEqual(line["alpn"], [escapeControls(asText)]);
        const record = await failedHandshakeWhere(
          shop.director,
          ({ clientAddress }) => clientAddress === localAddress,
        );
        assert.deepEqual(record.alpn, [asText]);
        const table = await shop.director.cli("show", "handshakes", "--failed");
        assert.doesNotMatch(table.stdout.replaceAll("\n", ""), unsafe);
        assert.equal(
          table.stdout.split("\n").filter((row) => row.includes(localAddress)).length,
          1,
        );
        const json = await shop.director.cli("show", "handshakes", "--json");
        const records = JSON.parse(json.stdout) as ExplainedHandshake[];
        assert.ok(records.some(({ alpn }) => alpn?.[0] === asText));
      });

      it("as a server name that is none is recorded as no name", async () => {
        const { line } = await refused("strict", { servername: `shop"\n\u001b[2J.example` });
        assert.equal(line["failure"], "unknown-name");
        assert.ok(!("serverName" in line));
        const escaped = "shop\\x22\\x0a\\x1b[2J.example";
        assert.equal(line["detail"], `The server name ${escaped} is not a host name.`);
      });

      it("in place of a PROXY header does not reach the log", async () => {
        const localAddress = uniqueVirtualIp();
        const { ip: host } = shop;
        await using raw = await rawConnect({ host, port: shop.portOf("proxied"), localAddress });
        await raw.send("PROXY TCP4 1\u001b[2J\t2.3.4 127.0.0.1 1 2\r\n");
        await raw.read.outcome();
        const line = await failureLineOf(shop.director, localAddress);
        assert.equal(line["failure"], "bad-proxy-header");
      });
    });
  });

  it("cannot steer the terminal that a director runs on", async (t) => {
    if (!(await requirePackage(t, "bsdutils", "script"))) return;
    const endpoint = await startHttpEndpoint(servedText);
    const { ca, client } = await issueHostile();
    const server = await ca.issue({ names: ["shop.example"] });
    const ip = uniqueVirtualIp();
    const listeners = Object.keys(policies).map((policy, at) => ({
      ...{ port: 8443 + at, to: endpoint.port, policy, certificates: ["shop"], accessLog: "full" },
    }));
    const shop = { ip, servers: { web: endpoint.host }, to: endpoint.port };
    const { args } = await prepareServe({
      document: shopDocument({ ...shop, vnic: { listeners }, more: { policies } }),
      engine: "node",
      workers: 1,
      files: {
        "clients.pem": ca.certificatePem,
        "shop.pem": server.chainPem,
        "shop.key": server.keyPem,
      },
    });
    const command = ["exec", process.execPath, ownProgram, ...args].join(" ");
    const typescript = ["--quiet", "--return", "--command", command, "/dev/null"];
    const running = await startProcess("script", typescript, { cwd: projectFolder });
    killTreeAtTestEnd(running);
    const until = (pattern: RegExp): Promise<void> => untilPrinted(running, pattern, 20_000);
    await until(/The director is ready/);
    const target = { host: ip, ca: ca.certificatePem, servername: "shop.example" };
    await visit({ ...target, port: 8443, cert: client.chainPem, key: client.keyPem });
    await until(/"clientCertificate"/);
    const ALPNProtocols = alpnOf(hostileProtocol);
    await assert.rejects(visit({ ...target, port: 8444, ALPNProtocols }));
    await until(/"no-shared-alpn"/);
    running.child.stdin?.write(ctrlC);
    assert.equal((await running.exited).code, 0);
    const lines = running.output().replaceAll(colour, "").split("\r\n");
    assertHarmless(lines);
    for (const line of lines) assert.match(line, /^(\^C)?(\[\d\d:\d\d:\d\d\.\d{3}\] [A-Z]+|$)/);
  });
});
