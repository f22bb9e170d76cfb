import assert from "node:assert/strict";
import { once } from "node:events";
import { before, describe, it } from "node:test";
import { withDeadline } from "#harness/deadline.ts";
import type { Director } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { recordedRefusal, recordedVisit } from "#harness/recorded-handshake.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient, type TlsConnectOptions } from "#harness/tls-client.ts";
import { startPolicyDirector, type PolicyDirector } from "#harness/policy-director.ts";

const policies = {
  open: {},
  request: { clientAuth: { mode: "request", ca: "root.pem" } },
  require: { clientAuth: { mode: "require", ca: "root.pem" } },
  chained: { clientAuth: { mode: "require", ca: "bundle.pem" } },
  rootless: { clientAuth: { mode: "require", ca: "intermediate.pem" } },
  anchored: { clientAuth: { mode: "require", ca: "intermediate.pem", partialChain: true } },
  pinned: { clientAuth: { mode: "require", ca: "chained.pem", partialChain: true } },
  "part-listed": { clientAuth: { mode: "require", ca: "root.pem", crl: "root.crl" } },
  "rootless-listed": {
    clientAuth: { mode: "require", ca: "intermediate.pem", crl: "intermediate.crl" },
  },
  revocable: { clientAuth: { mode: "require", ca: "bundle.pem", crl: "bundle.crl" } },
};

type Listener = keyof typeof policies;

interface Clients {
  readonly valid: IssuedCertificate;
  readonly nameless: IssuedCertificate;
  readonly untrusted: IssuedCertificate;
  readonly expired: IssuedCertificate;
  readonly notYetValid: IssuedCertificate;
  readonly ofServer: IssuedCertificate;
  readonly revoked: IssuedCertificate;
  readonly chained: IssuedCertificate;
  readonly chainedRevoked: IssuedCertificate;
  readonly chainedUntrusted: IssuedCertificate;
  readonly strangerRootPem: string;
}

async function issueClients(root: TestCa, intermediate: TestCa): Promise<Clients> {
  const client = { names: ["partner.example"], commonName: "partner", usage: "client" } as const;
  const stranger = await createTestCa("another CA");
  return {
    valid: await root.issue(client),
    nameless: await root.issue({ ...client, commonName: "" }),
    untrusted: await stranger.issue(client),
    expired: await root.issue({ ...client, validity: "expired" }),
    notYetValid: await root.issue({ ...client, validity: "not-yet-valid" }),
    ofServer: await root.issue({ ...client, usage: "server" }),
    revoked: await root.issue(client),
    chained: await intermediate.issue({ ...client, commonName: "chained partner" }),
    chainedRevoked: await intermediate.issue(client),
    chainedUntrusted: await (await stranger.issueIntermediate("another CA")).issue(client),
    strangerRootPem: stranger.certificatePem,
  };
}

const versions = ["TLSv1.2", "TLSv1.3"] as const;

forEachEngineIfLong("node", (engine) => {
  let clients: Clients;
  let served: PolicyDirector;
  let director: Director;

  before(async () => {
    const root = await createTestCa();
    const intermediate = await root.issueIntermediate("partner CA");
    clients = await issueClients(root, intermediate);
    const lists = await Promise.all([
      root.revocationList([clients.revoked.serial]),
      intermediate.revocationList([clients.chainedRevoked.serial]),
    ]);
    const files = {
      "root.pem": root.certificatePem,
      "intermediate.pem": intermediate.certificatePem,
      "chained.pem": clients.chained.certificatePem,
      "bundle.pem": root.certificatePem + intermediate.certificatePem,
      "root.crl": lists[0],
      "intermediate.crl": lists[1],
      "bundle.crl": lists.join(""),
    };
    served = await startPolicyDirector({ engine, ca: root, policies, files });
    ({ director } = served);
  });

  for (const version of versions) {
    describe(version, { concurrency: true }, () => {
      const clientOf = (
        listener: Listener,
        certificate?: IssuedCertificate,
        chain = certificate?.chainPem,
      ): TlsConnectOptions => ({
        ...served.targetOf(listener),
        minVersion: version,
        maxVersion: version,
        ...(certificate === undefined ? {} : { cert: chain, key: certificate.keyPem }),
      });

      const subjectOf = async (...client: Parameters<typeof clientOf>): Promise<unknown> =>
        (await recordedVisit(director, clientOf(...client))).line["clientCertificate"];

      const failureOf = async (...client: Parameters<typeof clientOf>): Promise<unknown> =>
        (await recordedRefusal(director, clientOf(...client)))["failure"];

      it("none asks for no certificate and takes none", async () => {
        assert.equal(await subjectOf("open"), undefined);
        assert.equal(await subjectOf("open", clients.untrusted), undefined);
      });

      it("request serves a client with a valid certificate and one without, and tells them apart", async () => {
        assert.equal(await subjectOf("request"), undefined);
        assert.equal(await subjectOf("request", clients.valid), "partner");
      });

      it("request refuses a certificate that is not valid", async () => {
        assert.equal(await failureOf("request", clients.untrusted), "untrusted-client-certificate");
        assert.equal(await failureOf("request", clients.expired), "expired-client-certificate");
      });

      it("require serves a client with a valid certificate, whose subject is recorded", async () => {
        assert.equal(await subjectOf("require", clients.valid), "partner");
        assert.equal(await subjectOf("require", clients.nameless), "DNS:partner.example");
      });

      it("a client whose certificate is refused is told the end in order, while it sends on too", async () => {
        const refused = [
          ["require", clients.untrusted],
          ["require", clients.expired],
          ["revocable", clients.revoked],
          ["request", clients.untrusted],
        ] as const;
        for (const [listener, certificate] of refused) {
          await using client = await tlsConnect(clientOf(listener, certificate));
          client.socket.write(Buffer.alloc(200_000));
          const { bytes, outcome } = await client.read.toOutcome();
          assert.deepEqual([bytes.length, outcome], [0, "end"], listener);
          client.end();
          assert.equal(await resetOf(client), undefined, listener);
        }
      });

      it("require refuses a client without a certificate", async () => {
        assert.equal(await failureOf("require"), "no-client-certificate");
      });

      it("require refuses a certificate of another CA, and one that is not for clients", async () => {
        const causes = [clients.untrusted, clients.ofServer].map((one) =>
          failureOf("require", one),
        );
        assert.deepEqual(
          new Set(await Promise.all(causes)),
          new Set(["untrusted-client-certificate"]),
        );
      });

      it("require refuses a certificate outside of its period", async () => {
        const causes = [clients.expired, clients.notYetValid].map((one) =>
          failureOf("require", one),
        );
        assert.deepEqual(
          new Set(await Promise.all(causes)),
          new Set(["expired-client-certificate"]),
        );
      });

      it("an intermediate comes from the bundle or from the client", async () => {
        const { chained } = clients;
        assert.equal(
          await subjectOf("chained", chained, chained.certificatePem),
          "chained partner",
        );
        assert.equal(await subjectOf("require", chained), "chained partner");
        assert.equal(
          await failureOf("require", chained, chained.certificatePem),
          "untrusted-client-certificate",
        );
      });

      it("a chain ends in a self-signed root, unless the policy takes intermediates as trust anchors", async () => {
        const { chained, chainedRevoked, valid } = clients;
        for (const chain of [chained.certificatePem, chained.chainPem]) {
          assert.equal(await failureOf("rootless", chained, chain), "untrusted-client-certificate");
          assert.equal(await subjectOf("anchored", chained, chain), "chained partner");
          assert.equal(await subjectOf("pinned", chained, chain), "chained partner");
        }
        assert.equal(await failureOf("anchored", valid), "untrusted-client-certificate");
        assert.equal(await failureOf("pinned", chainedRevoked), "untrusted-client-certificate");
      });

      it("a chain with a CA whose revocation list is missing is told from one of another CA", async () => {
        const { chained, chainedUntrusted, strangerRootPem, valid } = clients;
        assert.equal(await subjectOf("part-listed", valid), "partner");
        assert.equal(await failureOf("part-listed", chained), "no-crl-for-client-certificate");
        const { chainPem } = chainedUntrusted;
        for (const chain of [chainPem, chainPem + strangerRootPem]) {
          assert.equal(
            await failureOf("part-listed", chainedUntrusted, chain),
            "untrusted-client-certificate",
          );
        }
        // Its list is there, but not the root that the chain must end in.
        assert.equal(await failureOf("rootless-listed", chained), "untrusted-client-certificate");
      });

      it("a certificate on a revocation list is refused, others of the same CAs are served", async () => {
        const causes = [clients.revoked, clients.chainedRevoked].map((one) =>
          failureOf("revocable", one),
        );
        assert.deepEqual(
          new Set(await Promise.all(causes)),
          new Set(["revoked-client-certificate"]),
        );
        assert.equal(await subjectOf("revocable", clients.valid), "partner");
        assert.equal(await subjectOf("revocable", clients.chained), "chained partner");
      });
    });
  }

  // This holds whatever tests have run before it.
  it("keeps its worker, whomever it has turned away", () => {
    assert.ok(!director.logs.some((line) => isEvent(line, "worker-gone")));
  });
});

/** The error that a connection closes with, if any. */
async function resetOf({ socket }: TlsClient): Promise<string | undefined> {
  let code: string | undefined;
  socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code));
  if (!socket.closed) await withDeadline(once(socket, "close"), 5_000, "the close");
  return code;
}
