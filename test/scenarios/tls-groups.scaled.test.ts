import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { Director } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { recordedRefusal, recordedVisit } from "#harness/recorded-handshake.ts";
import { createTestCa } from "#harness/test-ca.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";
import { startPolicyDirector, type PolicyDirector } from "#harness/policy-director.ts";

const policies = {
  "old-clients": { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" },
  "p-384": { groups: ["P-384"] },
};

/** The names of OpenSSL clients, and those of policies and records. */
const curveNames: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384" };

forEachEngineIfLong("node", (engine) => {
  let served: PolicyDirector;
  let director: Director;

  const clientOf = (policy: string, options: TlsConnectOptions): TlsConnectOptions => ({
    ...served.targetOf(policy),
    ...options,
  });

  before(async () => {
    served = await startPolicyDirector({ engine, ca: await createTestCa(), policies });
    ({ director } = served);
  });

  const groupOf = async (options: TlsConnectOptions, policy = "intermediate"): Promise<unknown> => {
    const { facts, line } = await recordedVisit(director, clientOf(policy, options));
    const seen = facts.group ?? "none";
    assert.equal(line["group"], curveNames[seen] ?? seen, `group of ${options.ecdhCurve}`);
    return line["group"];
  };

  it("X25519MLKEM768 is agreed on with every client that offers it", async () => {
    const offers = ["X25519MLKEM768", "X25519MLKEM768:X25519", "X25519:X25519MLKEM768:P-256"];
    const agreed = await Promise.all(offers.map((ecdhCurve) => groupOf({ ecdhCurve })));
    assert.deepEqual(
      agreed,
      offers.map(() => "X25519MLKEM768"),
    );
    assert.equal(await groupOf({}), "X25519MLKEM768");
  });

  it("the server's order decides among the others, and the access line has what the client saw", async () => {
    const maxVersion = "TLSv1.2";
    const agreed = await Promise.all([
      groupOf({ ecdhCurve: "X25519" }),
      groupOf({ ecdhCurve: "P-256" }),
      groupOf({ ecdhCurve: "P-256:X25519" }),
      groupOf({ ecdhCurve: "P-384:P-521:P-256" }),
      groupOf({ ecdhCurve: "P-521:P-384" }),
      groupOf({ ecdhCurve: "P-384" }, "modern"),
      groupOf({ ecdhCurve: "P-256:P-384" }, "p-384"),
      groupOf({ ecdhCurve: "P-256:X25519", maxVersion }),
      groupOf({ ecdhCurve: "P-256", maxVersion }),
      // A hybrid group is of TLS 1.3 only, also where the client offers it and the policy ends at TLS 1.2.
      groupOf({ ecdhCurve: "X25519MLKEM768:X25519:P-256" }, "old-clients"),
    ]);
    const expected = [
      ...["X25519", "P-256", "X25519", "P-256", "P-384", "P-384"],
      ...["P-384", "X25519", "P-256", "X25519"],
    ];
    assert.deepEqual(agreed, expected);
  });

  it("a client with none of the groups is turned away", async () => {
    const client = clientOf("p-384", { ecdhCurve: "X25519:P-256" });
    assert.equal((await recordedRefusal(director, client))["failure"], "no-shared-group");
    const old = { ...client, maxVersion: "TLSv1.2" } as const;
    assert.equal((await recordedRefusal(director, old))["failure"], "no-shared-group");
  });

  it("a TLS 1.2 client without the group of the certificate's key is turned away", async () => {
    const client = clientOf("intermediate", { ecdhCurve: "X25519", maxVersion: "TLSv1.2" });
    assert.equal((await recordedRefusal(director, client))["failure"], "no-shared-cipher");
  });
});
