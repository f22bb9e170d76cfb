import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Director } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { recordedRefusal, recordedVisit, visit, type Visit } from "#harness/recorded-handshake.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";
import { startPolicyDirector, type PolicyDirector } from "#harness/policy-director.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const;
type Version = (typeof versions)[number];

const clientAuthOf = (mode: string, ca: string, crl?: string): object => ({
  clientAuth: { mode, ca, ...(crl === undefined ? {} : { crl }) },
});

const policies = {
  open: {},
  request: clientAuthOf("request", "partners.pem"),
  require: clientAuthOf("require", "partners.pem"),
  "require-others": clientAuthOf("require", "others.pem"),
  "changed-file": clientAuthOf("require", "changing.pem"),
  "changed-document": clientAuthOf("require", "partners.pem"),
  "changed-anchors": {
    clientAuth: { mode: "require", ca: "intermediate.pem", partialChain: true },
  },
  "changed-crl": clientAuthOf("require", "partners.pem", "partners.crl"),
};
type Listener = keyof typeof policies | "require/2";

const changeMs = 15_000;
/** How long a client certificate is to be valid that expires while its session lives. */
const shortLifeMs = 8_000;

forEachEngineIfLong("node", (engine) => {
  let partners: TestCa;
  let others: TestCa;
  let partner: IssuedCertificate;
  let stranger: IssuedCertificate;
  let anchored: IssuedCertificate;
  let served: PolicyDirector;
  let director: Director;

  before(async () => {
    [partners, others] = await Promise.all([createTestCa("partners"), createTestCa("others")]);
    const client = { names: ["partner.example"], commonName: "partner", usage: "client" } as const;
    partner = await partners.issue(client);
    stranger = await others.issue({ ...client, commonName: "stranger" });
    const intermediate = await partners.issueIntermediate("intermediate");
    anchored = await intermediate.issue({ ...client, commonName: "anchored" });
    const files = {
      "intermediate.pem": intermediate.certificatePem,
      "partners.pem": partners.certificatePem,
      "partners.crl": await partners.revocationList([]),
      "others.pem": others.certificatePem,
      "changing.pem": partners.certificatePem,
    };
    const more = ["require/2"];
    served = await startPolicyDirector({ engine, ca: partners, policies, more, files });
    ({ director } = served);
  });

  const clientOf = (
    listener: Listener,
    version: Version,
    certificate: IssuedCertificate | undefined,
    session?: Buffer,
  ): TlsConnectOptions => ({
    ...served.targetOf(listener),
    minVersion: version,
    maxVersion: version,
    session,
    ...(certificate === undefined ? {} : { cert: certificate.chainPem, key: certificate.keyPem }),
  });

  const visitAs = (...client: Parameters<typeof clientOf>): Promise<Visit> =>
    visit(clientOf(...client));

  const failureAs = async (...client: Parameters<typeof clientOf>): Promise<unknown> =>
    (await recordedRefusal(director, clientOf(...client)))["failure"];

  /** Sessions of both versions that do resume on the listener. */
  async function sessionsOf(
    listener: Listener,
    certificate: IssuedCertificate | undefined,
  ): Promise<Readonly<Record<Version, Buffer | undefined>>> {
    const sessionOf = async (version: Version): Promise<Buffer | undefined> => {
      const { session } = await visitAs(listener, version, certificate);
      const again = await visitAs(listener, version, certificate, session);
      assert.equal(again.facts.isResumed, true, `${listener} ${version}`);
      return session;
    };
    return { "TLSv1.2": await sessionOf("TLSv1.2"), "TLSv1.3": await sessionOf("TLSv1.3") };
  }

  describe("client trust", { concurrency: true }, () => {
    for (const version of versions) {
      describe(version, { concurrency: true }, () => {
        it("a resumed session keeps the client certificate that it was made with", async () => {
          const { session } = await visitAs("require", version, partner);
          // Only the session identifies the client.
          const client = clientOf("require", version, undefined, session);
          const { facts, line } = await recordedVisit(director, client);
          assert.equal(facts.isResumed, true);
          assert.equal(line["resumed"], true);
          assert.equal(line["clientCertificate"], "partner");
        });

        it("a session without a certificate resumes where one is requested, and stays without", async () => {
          const { session } = await visitAs("request", version, undefined);
          const client = clientOf("request", version, partner, session);
          const { facts, line } = await recordedVisit(director, client);
          assert.equal(facts.isResumed, true);
          assert.equal(line["clientCertificate"], undefined);
        });

        it("a session of a listener that asks for no certificate leads nowhere on one that does", async () => {
          const { session } = await visitAs("open", version, undefined);
          assert.equal(
            await failureAs("require", version, undefined, session),
            "no-client-certificate",
          );
          assert.equal(
            await failureAs("require", version, stranger, session),
            "untrusted-client-certificate",
          );
          const known = await visitAs("require", version, partner, session);
          assert.equal(known.facts.isResumed, false);
        });

        it("a session without a certificate does not resume where one is required", async () => {
          const { session } = await visitAs("request", version, undefined);
          assert.equal(
            await failureAs("require", version, undefined, session),
            "no-client-certificate",
          );
        });

        it("a session leads nowhere on a listener with another CA", async () => {
          const { session } = await visitAs("require", version, partner);
          assert.equal(
            await failureAs("require-others", version, undefined, session),
            "no-client-certificate",
          );
          assert.equal(
            await failureAs("require-others", version, partner, session),
            "untrusted-client-certificate",
          );
        });

        it("a session does not resume on another listener, not even of the same policy", async () => {
          const { session } = await visitAs("require", version, partner);
          const elsewhere = await visitAs("require/2", version, partner, session);
          assert.equal(elsewhere.facts.isResumed, false);
        });

        for (const listener of ["request", "require"] as const) {
          it(`a client that ${listener} refused is refused with the session that it got all the same`, async (t) => {
            const session = await sessionOfRefused(clientOf(listener, version, stranger));
            if (session === undefined) {
              t.skip("the client got no session");
              return;
            }
            assert.notEqual(await failureAs(listener, version, undefined, session), undefined);
            assert.equal(
              await failureAs(listener, version, stranger, session),
              "untrusted-client-certificate",
            );
          });
        }

        it("a session ends with the client certificate that it was made with", async () => {
          const notAfter = new Date(Date.now() + shortLifeMs);
          const names = ["short.example"];
          const short = await partners.issue({ names, usage: "client", notAfter });
          const { session } = await visitAs("require", version, short);
          await delay(notAfter.getTime() - Date.now());
          assert.equal(
            await failureAs("require", version, short, session),
            "expired-client-certificate",
          );
        });
      });
    }
  });

  describe("after a change", () => {
    const untilChanged = (from: number): Promise<unknown> =>
      director.waitForLog((line) => isEvent(line, "certificate-changed"), changeMs, from);

    it("no session of the CA before resumes when the document names another", async () => {
      const sessions = await sessionsOf("changed-document", partner);
      const changed = { "changed-document": clientAuthOf("require", "others.pem") };
      assert.equal((await director.reload(served.documentWith(changed))).outcome, "applied");
      for (const version of versions) {
        const failure = await failureAs("changed-document", version, undefined, sessions[version]);
        assert.equal(failure, "no-client-certificate");
        assert.equal(
          await failureAs("changed-document", version, partner, sessions[version]),
          "untrusted-client-certificate",
        );
        const other = await visitAs("changed-document", version, stranger, sessions[version]);
        assert.equal(other.facts.isResumed, false);
      }
    });

    it("no session of an intermediate CA resumes when it is no trust anchor any more", async () => {
      const sessions = await sessionsOf("changed-anchors", anchored);
      const changed = { "changed-anchors": clientAuthOf("require", "intermediate.pem") };
      assert.equal((await director.reload(served.documentWith(changed))).outcome, "applied");
      for (const version of versions) {
        for (const [certificate, failure] of [
          [undefined, "no-client-certificate"],
          [anchored, "untrusted-client-certificate"],
        ] as const) {
          assert.equal(
            await failureAs("changed-anchors", version, certificate, sessions[version]),
            failure,
          );
        }
      }
    });

    it("no session of the CA before resumes when the CA file is another", async () => {
      const sessions = await sessionsOf("changed-file", partner);
      const from = director.logs.length;
      await writeFiles(director.dir, { "changing.pem": others.certificatePem });
      await untilChanged(from);
      for (const version of versions) {
        const failure = await failureAs("changed-file", version, undefined, sessions[version]);
        assert.equal(failure, "no-client-certificate");
        assert.equal(
          await failureAs("changed-file", version, partner, sessions[version]),
          "untrusted-client-certificate",
        );
      }
    });

    it("a client that was revoked does not get in by resuming, and nobody else is turned away", async () => {
      const kept = await partners.issue({ names: ["kept.example"], usage: "client" });
      const sessions = await sessionsOf("changed-crl", partner);
      const keptSessions = await sessionsOf("changed-crl", kept);
      const from = director.logs.length;
      const list = await partners.revocationList([partner.serial]);
      await writeFiles(director.dir, { "partners.crl": list });
      await untilChanged(from);
      for (const version of versions) {
        const failure = await failureAs("changed-crl", version, undefined, sessions[version]);
        assert.equal(failure, "no-client-certificate");
        assert.equal(
          await failureAs("changed-crl", version, partner, sessions[version]),
          "revoked-client-certificate",
        );
        const visited = await visitAs("changed-crl", version, kept, keptSessions[version]);
        assert.equal(visited.facts.isResumed, false);
      }
    });
  });
});

/** Sessions come with the end of the handshake, before a server on TLS 1.3 has looked at the client's certificate. */
async function sessionOfRefused(options: TlsConnectOptions): Promise<Buffer | undefined> {
  try {
    await using client = await tlsConnect(options);
    await client.read.outcome();
    return await client.session(1);
  } catch {
    return undefined;
  }
}
