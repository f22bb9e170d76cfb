import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DOCTOR_CHECKS } from "./doctor-checks.ts";
import type { DoctorFacts } from "./doctor-facts.ts";

const GOOD: DoctorFacts = {
  nowMs: 1_000_000_000,
  ownUid: 990,
  pid: 42,
  openFiles: { limit: 65_536, connectionsPerWorker: 32_000, wantedPerWorker: undefined },
  migrateRequests: "1",
  somaxconn: 4_096,
  isNonlocalBindAllowed: false,
  missingIps: [],
  addCommandOf: (ip) => `ip address add ${ip} dev eth0`,
  virtualIpCount: 2,
  clock: {
    newestFileMs: 999_000_000,
    certificates: [{ name: "shop", notBeforeMs: 900_000_000 }],
    isSynchronised: true,
  },
  folders: [
    { kind: "data", path: "/var/lib/tlsd", mode: 0o40700, uid: 990, isWritable: true },
    { kind: "runtime", path: "/run/tlsd", mode: 0o40700, uid: 990, isWritable: true },
  ],
  engine: {
    ...{ name: "bun", file: "/opt/bun", isExecutable: true, notice: undefined },
    ...{ servingWorkers: 2, wantedWorkers: 2 },
  },
  users: [
    { name: "tlsd", exists: true },
    { name: "tlsd-worker", exists: true },
  ],
  others: [],
};

const [data] = GOOD.folders;
const other = { listeners: ["front.shop:443"], address: "0.0.0.0:443", uid: 33 };

/** Each wrong fact, the check that finds it, and a part of the message and of the command that mends it. */
const WRONG: readonly (readonly [Partial<DoctorFacts>, string, string, RegExp, RegExp])[] = [
  [
    { openFiles: { limit: 1_024, connectionsPerWorker: 448, wantedPerWorker: undefined } },
    ...(["open-files", "problem", /1024 files.* 448 connections/, /LimitNOFILE=/] as const),
  ],
  [
    { openFiles: { limit: 9_000, connectionsPerWorker: 4_400, wantedPerWorker: 5_000 } },
    ...(["open-files", "problem", /wants 5000/, /ulimit -n/] as const),
  ],
  [
    { migrateRequests: "0" },
    ...(["tcp-migrate-req", "warning", /reset when it ends/, /sysctl -w .*=1$/] as const),
  ],
  [{ somaxconn: 128 }, "somaxconn", "warning", /is 128\./, /sysctl -w net\.core\.somaxconn=4096/],
  [
    { missingIps: ["192.0.2.1", "192.0.2.2"] },
    ...(["virtual-ips", "warning", /192\.0\.2\.1, 192\.0\.2\.2/, /add 192\.0\.2\.1 dev /] as const),
  ],
  [
    { clock: { ...GOOD.clock, certificates: [{ name: "shop", notBeforeMs: 1_000_000_001 }] } },
    ...(["clock", "problem", /not valid yet: shop/, /set-ntp/] as const),
  ],
  [
    { clock: { ...GOOD.clock, newestFileMs: 1_000_120_000 } },
    ...(["clock", "warning", /120 s in the future/, /set-ntp/] as const),
  ],
  [
    { clock: { ...GOOD.clock, isSynchronised: false } },
    ...(["clock", "warning", /not synchronised/, /set-ntp/] as const),
  ],
  [
    { folders: data === undefined ? [] : [{ ...data, mode: undefined }] },
    ...(["folders", "problem", /does not exist/, /install -d -m 700 \/var\/lib\/tlsd/] as const),
  ],
  [
    { folders: data === undefined ? [] : [{ ...data, isWritable: false, uid: 0 }] },
    ...(["folders", "problem", /cannot be written to/, /chown -R 990 /] as const),
  ],
  [
    { folders: data === undefined ? [] : [{ ...data, mode: 0o40755 }] },
    ...(["folders", "problem", /open to other users/, /chmod 700 /] as const),
  ],
  [
    { engine: { ...GOOD.engine, isExecutable: false } },
    ...(["engine", "problem", /cannot be run: \/opt\/bun/, /npm ci/] as const),
  ],
  [
    { engine: { ...GOOD.engine, servingWorkers: 0 } },
    ...(["engine", "problem", /No worker serves/, /tlsd show workers/] as const),
  ],
  [
    { engine: { ...GOOD.engine, notice: "Workers run on node." } },
    ...(["engine", "warning", /run on node/, /npm ci/] as const),
  ],
  [
    { users: [{ name: "tlsd-worker", exists: false }] },
    ...(["users", "warning", /no user tlsd-worker/, /useradd .* tlsd-worker$/] as const),
  ],
  [
    { others: [{ ...other, process: { pid: 7, name: "nginx" } }] },
    ...([
      "ports",
      "problem",
      /0\.0\.0\.0:443, nginx \(pid 7\).*front\.shop:443/,
      /kill 7/,
    ] as const),
  ],
  [
    {
      others: [
        { ...other, process: undefined },
        { ...other, process: undefined },
      ],
    },
    ...(["ports", "problem", /a program of uid 33.* 1 more/, /ss -ltnp/] as const),
  ],
];

describe("the checks of the doctor", () => {
  it("find nothing on a good machine, and say so with one line each", () => {
    const checks = DOCTOR_CHECKS.map((check) => check(GOOD));
    assert.equal(new Set(checks.map(({ name }) => name)).size, 9);
    for (const { name, result, message, remedy } of checks) {
      assert.deepEqual([result, remedy], ["ok", undefined], name);
      assert.match(message, /^[A-Z0-9n].*\.$/, name);
    }
  });

  it("find each thing that is wrong, and nothing else, and name the command that mends it", () => {
    for (const [facts, name, result, message, remedy] of WRONG) {
      const wrong = DOCTOR_CHECKS.map((check) => check({ ...GOOD, ...facts })).filter(
        (check) => check.result !== "ok",
      );
      assert.deepEqual(
        wrong.map((check) => [check.name, check.result]),
        [[name, result]],
      );
      assert.match(wrong[0]?.message ?? "", message);
      assert.match(wrong[0]?.remedy ?? "", remedy);
    }
  });

  it("say that addresses are not known where the kernel binds every address", () => {
    const checks = DOCTOR_CHECKS.map((check) => check({ ...GOOD, isNonlocalBindAllowed: true }));
    const { result, message } = checks.find(({ name }) => name === "virtual-ips") ?? assert.fail();
    assert.equal(result, "ok");
    assert.match(message, /not known, because net\.ipv4\.ip_nonlocal_bind is 1/);
  });

  it("make nothing of facts that cannot be read", () => {
    const unknown: DoctorFacts = {
      ...GOOD,
      migrateRequests: undefined,
      somaxconn: undefined,
      clock: { newestFileMs: undefined, certificates: [], isSynchronised: undefined },
      users: [{ name: "tlsd", exists: undefined }],
    };
    for (const check of DOCTOR_CHECKS) assert.equal(check(unknown).result, "ok");
  });
});
