import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { TlsOptions } from "node:tls";
import type { EndpointFailure } from "#model/records/outcome.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { runToExit } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { startEgress, type Egress, type RemoteSettings } from "#harness/egress.ts";
import { startEndpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint, startSinkEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { connectionLineOf } from "#harness/recorded-handshake.ts";
import { rawConnect, rejectedConnect } from "#harness/socket-client.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type IssueOptions, type TestCa } from "#harness/test-ca.ts";
import { tlsRecordTypes } from "#harness/wire-tap.ts";

const secret = "account 4711";
const payments = "payments.example";

const refused = {
  "with a certificate of an unknown CA": "untrusted",
  "with a certificate of the system's CAs, where the listener names others": "untrusted",
  "with a certificate of a CA that is not the system's, where the listener names none": "untrusted",
  "with a certificate that is signed by itself": "untrusted",
  "without its intermediate": "untrusted",
  "with a certificate for clients": "untrusted",
  "with a certificate for another name": "wrong-name",
  "with a certificate for a name, where an address was asked for": "wrong-name",
  "with a certificate that has expired": "expired",
  "with a certificate that is not valid yet": "expired",
  "that speaks TLS 1.1 only": "tls-failed",
  "that wants a client certificate": "tls-failed",
  "that speaks plain HTTP": "tls-failed",
  "that hangs up on TLS": "tls-failed",
  "that never answers": "timeout",
  "that is not there": "refused",
} as const satisfies Readonly<Record<string, EndpointFailure>>;
type Refused = keyof typeof refused;
type Name = Refused | "of the system's CAs";

async function selfSigned(folder: string): Promise<TlsOptions> {
  const [keyFile, certFile] = [join(folder, "self.key"), join(folder, "self.pem")];
  const { code, stderr } = await runToExit("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-subj", `/CN=${payments}`, "-addext", `subjectAltName=DNS:${payments}`],
    ...["-keyout", keyFile, "-out", certFile],
  ]);
  assert.equal(code, 0, stderr);
  return { cert: await readFile(certFile), key: await readFile(keyFile) };
}

async function remotesOf(
  folder: string,
  ca: TestCa,
  systemCa: TestCa,
): Promise<Record<Name, RemoteSettings>> {
  const stranger = await createTestCa("A stranger");
  const intermediate = await ca.issueIntermediate("An intermediate");
  const issue = async (by: TestCa, more: Partial<IssueOptions> = {}): Promise<TlsOptions> => {
    const issued = await by.issue({ names: [payments], ...more });
    return { cert: issued.certificatePem, key: issued.keyPem };
  };
  const byName = { ca: "ca.pem", serverName: payments };
  const remote = async (
    tls: TlsOptions | Promise<TlsOptions>,
    endpointTls: object = byName,
  ): Promise<RemoteSettings> => ({ tls: await tls, endpointTls });
  const good = await issue(ca);
  const old = {
    minVersion: "TLSv1.1",
    maxVersion: "TLSv1.1",
    ciphers: "DEFAULT@SECLEVEL=0",
  } as const;
  const nowhere = uniqueVirtualIp();
  return {
    "of the system's CAs": await remote(issue(systemCa), { serverName: payments }),
    "with a certificate of an unknown CA": await remote(issue(stranger)),
    "with a certificate of the system's CAs, where the listener names others": await remote(
      issue(systemCa),
    ),
    "with a certificate of a CA that is not the system's, where the listener names none":
      await remote(good, { serverName: payments }),
    "with a certificate that is signed by itself": await remote(selfSigned(folder)),
    "without its intermediate": await remote(issue(intermediate)),
    "with a certificate for clients": await remote(issue(ca, { usage: "client" })),
    "with a certificate for another name": await remote(
      issue(ca, { names: ["payments.example.org", "*.payments.example"] }),
    ),
    "with a certificate for a name, where an address was asked for": await remote(good, {
      ca: "ca.pem",
    }),
    "with a certificate that has expired": await remote(issue(ca, { validity: "expired" })),
    "with a certificate that is not valid yet": await remote(
      issue(ca, { validity: "not-yet-valid" }),
    ),
    "that speaks TLS 1.1 only": await remote({ ...good, ...old }),
    "that wants a client certificate": await remote({
      ...good,
      maxVersion: "TLSv1.2",
      requestCert: true,
      ca: ca.certificatePem,
    }),
    "that speaks plain HTTP": { endpoint: () => startHttpEndpoint(), endpointTls: byName },
    "that hangs up on TLS": {
      endpoint: () => startEndpoint((socket) => socket.once("data", () => socket.end())),
      endpointTls: byName,
    },
    "that never answers": {
      endpoint: () => startSinkEndpoint(),
      endpointTls: byName,
      listener: { timeouts: { connect: "500ms" } },
    },
    "that is not there": {
      endpointTls: byName,
      listener: { to: `${nowhere}:${await freePort(nowhere)}` },
    },
  };
}

forEachEngineIfLong("bun", (engine) => {
  let egress: Egress<Name>;

  before(async () => {
    const [ca, systemCa] = [await createTestCa("Ours"), await createTestCa("The system's")];
    const folder = await makeTempFolder();
    await writeFiles(folder, { "system.pem": systemCa.certificatePem });
    egress = await startEgress({
      engine,
      remotes: await remotesOf(folder, ca, systemCa),
      // Each connection is told from the others by its address.
      allowFrom: ["127.0.0.0/8"],
      files: { "ca.pem": ca.certificatePem },
      env: { SSL_CERT_FILE: join(folder, "system.pem"), SSL_CERT_DIR: folder },
    });
  });

  it("reaches a remote of the system's CAs where the listener names none", async () => {
    const server = await rawConnect(egress.to("of the system's CAs"));
    await server.send(secret);
    server.end();
    await server.read.until("\n");
    assert.equal((await server.read.toEnd()).toString(), secret);
  });

  describe(
    "resets the server, says and counts why, and sends nothing but TLS to a remote",
    { concurrency: true },
    () => {
      for (const [name, failure] of Object.entries(refused) as [Refused, EndpointFailure][]) {
        it(name, async () => {
          const { tap, endpoint, port } = egress.remote(name);
          const localAddress = uniqueVirtualIp();
          const end = await rejectedConnect(egress.to(name, localAddress), secret);
          assert.deepEqual(end, { outcome: "ECONNRESET", received: 0 });
          assert.partialDeepStrictEqual(await connectionLineOf(egress.director, localAddress), {
            outcome: "endpoint-failed",
            endpointFailure: failure,
          });
          for (const sent of tap.sent()) {
            assert.ok(tlsRecordTypes(sent).length > 0);
            assert.ok(!sent.includes(secret));
          }
          // A TLS server counts a connection once its handshake is done.
          if (endpoint.isTls) assert.equal(endpoint.accepted, 0);
          const labels = { listener: `out.shop:${port}`, cause: failure };
          await eventually(async () => {
            const metrics = await egress.director.metrics();
            return metrics.sum("tlsd_endpoint_connects_failed_total", labels) === 1;
          }, 10_000);
        });
      }
    },
  );
});
