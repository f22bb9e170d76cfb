import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { SnapshotCertificate, SnapshotListener } from "#model/records/snapshot.ts";
import { tcpListener } from "#harness/memory-plane.ts";
import { buildRuntime, EMPTY_RUNTIME } from "./build-runtime.ts";
import { EndpointHealths } from "./endpoint/endpoint-health.ts";
import { atOnce } from "./live/in-slices.ts";

const certificate = (name: string): SnapshotCertificate => ({
  name: name as CertificateName,
  material: `material of ${name}` as MaterialId,
  names: [],
  keyType: "ecdsa",
  notAfterMs: 0,
  keySchemes: [],
  chainSchemes: [],
});
/** A listener that presents a certificate to its endpoints. */
const listenerWith = (name: string): SnapshotListener => ({
  ...tcpListener,
  endpointTls: {
    ...{ verify: false, serverName: undefined, trust: undefined },
    certificate: name as CertificateName,
  },
});
const vnic = {
  ...{ name: tcpListener.vnic, maxConnections: undefined },
  ...{ handshakesPerSecond: undefined, handshakesPerSecondPerAddress: undefined },
};
const nothing = {
  type: "prepare" as const,
  ...{ removed: [], removedVnics: [], absentIps: [] },
  ...{ maxConnections: 1, relayMemoryBytes: 1 },
};

describe("buildRuntime", () => {
  it("replaces the certificate that a listener presents to endpoints, and removes the one before", () => {
    const healths = new EndpointHealths();
    const first = buildRuntime(
      EMPTY_RUNTIME,
      {
        ...{ ...nothing, number: 1, base: 0, listeners: [listenerWith("old")], vnics: [vnic] },
        ...{ certificates: [certificate("old")], removedCertificates: [] },
      },
      healths,
    );
    const { runtime, built } = atOnce(
      buildRuntime(
        atOnce(first).runtime,
        {
          ...{ ...nothing, number: 2, base: 1, listeners: [listenerWith("new")], vnics: [] },
          ...{ certificates: [certificate("new")] },
          removedCertificates: [certificate("old").name],
        },
        healths,
      ),
    );
    const [rules] = runtime.listeners.values();
    assert.deepEqual(
      built.map(({ rules: one }) => one),
      [rules],
    );
    assert.ok(rules !== undefined && "endpointCertificate" in rules);
    assert.equal(rules.endpointCertificate, certificate("new").material);
  });
});
