/** What a director with one vNIC would reply, with every optional part. */
import type { CertificateDetail } from "#model/records/certificate-detail.ts";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { OpenConnection } from "#model/records/open-connection.ts";
import { listenerNameOf, vnicNameOf } from "#model/names.ts";
import type {
  CertificateStatus,
  DirectorStatus,
  ServerStatus,
  VnicStatus,
  WorkerStatus,
  ProfileStatus,
} from "#model/records/status.ts";
import type { DirectorView } from "#control/director-view.ts";

const vnicName = vnicNameOf("front", "shop");
const listenerName = listenerNameOf(vnicName, 8443);

export const sampleVnic: VnicStatus = {
  name: vnicName,
  profile: "shop",
  ip: "127.0.1.10",
  admin: "up",
  oper: "down",
  servers: ["web-1"],
  endpointsUp: 0,
  endpoints: 1,
  rates: { connections: 2.5, handshakes: 2, bytesFromClients: 1_024, bytesToClients: 512 },
  listeners: [
    {
      name: listenerName,
      port: 8443,
      mode: "tcp",
      to: "8080",
      policy: "intermediate",
      certificates: ["shop"],
      names: 0,
      routes: [],
      openConnections: 3,
      oper: "up",
    },
  ],
};

export const sampleServer: ServerStatus = {
  name: "web-1",
  address: "127.0.0.1",
  admin: "up",
  oper: "down",
  since: "2026-01-01T00:00:00.000Z",
  reason: "front.shop: The endpoint refused the connection.",
  lastError: {
    ...{ cause: "refused", vnic: "front.shop", at: "2026-01-01T00:00:02.000Z" },
    text: "The endpoint refused the connection.",
  },
  ...{ openConnections: 1, connects: 7, connectFailures: 4 },
  profiles: ["shop"],
  takenOverBy: ["web-2"],
};

export const sampleWorker: WorkerStatus = {
  id: 1,
  pid: 4321,
  engine: "bun",
  runtime: "bun 1.4.5, BoringSSL",
  state: "serving",
  snapshot: 2,
  openConnections: 3,
  residentBytes: 35_000_000,
  loopDelayMs: 0.75,
  startedAt: "2026-01-01T00:00:00.000Z",
};

export const sampleProfile: ProfileStatus = {
  name: "shop",
  servedBy: "standby",
  since: "2026-01-01T00:00:00.000Z",
  reason: "front.shop: web-1 127.0.0.1:8080: The endpoint refused the connection.",
  isFlapping: false,
};

const sampleCertificateStatus: CertificateStatus = {
  name: "shop",
  source: "files",
  state: "refused",
  problem: "The key does not match.",
  facts: {
    names: ["shop.demo.test"],
    keyType: "ecdsa",
    keySize: 256,
    curve: "P-256",
    subject: "CN=shop.demo.test",
    issuer: "CN=Demo CA",
    serialNumber: "0a",
    fingerprint: "ab12",
    spkiPin: "sha256/q6s=",
    notBeforeMs: 1_700_000_000_000,
    notAfterMs: 1_800_000_000_000,
  },
  attention: [
    {
      code: "refused",
      message: "The key does not match. The previous version is served.",
      hint: "Use its key.",
    },
  ],
  uses: 1,
};

export const sampleCertificate: CertificateDetail = {
  ...sampleCertificateStatus,
  chain: {
    certificates: [
      {
        subject: "CN=shop.demo.test",
        issuer: "CN=Demo CA\u001b[2J",
        serialNumber: "0a",
        fingerprint: "ab12",
        notBeforeMs: 1_700_000_000_000,
        notAfterMs: 1_800_000_000_000,
        isSelfSigned: false,
      },
    ],
    isPublic: false,
  },
  usedBy: [
    {
      listener: listenerName,
      path: "profiles.shop.vnics.front.listeners[0].certificates[0]",
      shownTo: "clients",
    },
  ],
  traffic: {
    newHandshakes: 5,
    resumedHandshakes: 2,
    failures: { unknown_ca: 3 },
    lastUseAt: "2026-01-01T00:00:00.000Z",
  },
  versions: [],
};

export const sampleStatus: DirectorStatus = {
  version: "0.1.0",
  state: "serving",
  engine: "bun",
  pid: 4320,
  startedAt: "2026-01-01T00:00:00.000Z",
  revision: 2,
  file: { path: "/etc/tlsd/director.yaml", state: "in-force" },
  changedAt: "2026-01-01T00:00:01.000Z",
  lastRefusal: "profiles.shop: no",
  workers: { wanted: 1, serving: 1 },
  openConnections: 3,
  cuts: [{ profile: "shop", at: "2026-01-01T00:00:30.000Z" }],
  certificates: [sampleCertificateStatus],
  warnings: [
    {
      path: "certificates.old",
      code: "unused-certificate",
      message: "No listener uses it.",
      hint: "Remove it.",
      severity: "warning",
    },
  ],
  profilesOnStandby: [sampleProfile],
  notices: ["There is no boundary."],
};

export const sampleHandshake: HandshakeRecord = {
  atMs: 1_700_000_000_000,
  listener: listenerName,
  failure: "over-limit",
  limit: "address-handshake-rate",
  detail: "x",
  clientAddress: "192.0.2.1",
  clientPort: 50_000,
  proxyAddress: "192.0.2.9",
  serverName: "shop\u001b",
  alpn: ["h2"],
  offeredVersions: ["TLSv1.2"],
  durationMs: 1.25,
};

export const sampleConnection: ConnectionRecord = {
  id: "c1",
  atMs: 1_700_000_000_000,
  listener: listenerName,
  clientAddress: "192.0.2.1",
  clientPort: 50_000,
  virtualIp: "127.0.1.10",
  serverName: "shop.test\u001b[2J",
  alpn: "h2",
  clientCertificate: "CN=a\u202eb",
  handshakeMs: 3,
  connectMs: 4,
  firstByteMs: 5,
  durationMs: 6,
  bytesFromClient: 7,
  bytesToClient: 8,
  outcome: "completed",
};

export const sampleOpenConnection: OpenConnection = {
  id: "c1",
  atMs: 1_700_000_000_000,
  listener: listenerName,
  clientAddress: "192.0.2.1",
  clientPort: 50_000,
  stage: "relaying",
  serverName: "shop\u001b",
  server: "web-1",
  endpoint: "127.0.0.1:8080",
  ageMs: 120_500,
  bytesFromClient: 512,
  bytesToClient: 1_572_864,
  fromClientPerSecond: 1_024,
  toClientPerSecond: 1_024,
};

/** A director with one of each, which is never asked for its metrics. */
export const sampleView: DirectorView = {
  state: () => sampleStatus.state,
  status: () => sampleStatus,
  workers: () => [sampleWorker],
  vnics: () => [sampleVnic],
  servers: () => [sampleServer],
  profiles: () => [sampleProfile],
  certificates: () => sampleStatus.certificates,
  certificate: async (name) => (name === sampleCertificate.name ? sampleCertificate : undefined),
  handshakes: () => [sampleHandshake],
  handshakeGroups: () => ({ groups: [], total: 0, kept: 0 }),
  metrics: () => Promise.reject(new Error("It has no metrics.")),
  openConnections: () => 0,
  fullHandshakes: () => 0,
  isReady: () => true,
};
