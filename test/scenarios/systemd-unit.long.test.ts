import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { installProgram, packProgram } from "#harness/installed-program.ts";
import { ask } from "#harness/many-clients.ts";
import { findProgram } from "#harness/packages.ts";
import { commandLineOf } from "#harness/process-facts.ts";
import { privilegesOf } from "#harness/process-privileges.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { bootSystemd, type SystemdMachine } from "#harness/systemd-machine.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";
import { documentText } from "#harness/tlsd.ts";
import { newMasterKeyText } from "#control/sealing/master-key.ts";

const unit = "tlsd.service";
const restartMs = 60_000;
const groupMs = 5_000;
/** capabilities(7). */
const caps = { kill: 5, setgid: 6, setuid: 7, setpcap: 8, netBindService: 10 };

/** A machine on which the unit has been installed as its header says, and what its clients need. */
class Installation {
  readonly machine: SystemdMachine;
  readonly client: TlsConnectOptions;
  readonly documentOf: (settings: object) => object;

  constructor(
    machine: SystemdMachine,
    client: TlsConnectOptions,
    documentOf: (settings: object) => object,
  ) {
    this.machine = machine;
    this.client = client;
    this.documentOf = documentOf;
  }

  async write(document: object | string): Promise<void> {
    await writeFile(this.machine.path("/etc/tlsd/director.yaml"), documentText(document));
  }

  systemctl(...args: readonly string[]): Promise<string> {
    return this.machine.succeed("systemctl", ...args);
  }

  journal(): Promise<string> {
    return this.machine.succeed("journalctl", "--unit", unit, "--output", "cat");
  }

  /** The pids are those of this machine, not those of the container. */
  pidsOf(name: RegExp): Promise<readonly number[]> {
    return filtered(this.machine.processes(), async (pid) => name.test(commandLineOf(pid)));
  }

  workers(): Promise<readonly number[]> {
    return this.pidsOf(/\0\/opt\/tls-director\/.*\/dist\/dataplane\/main\.js\0/);
  }

  async control(): Promise<number> {
    const [pid, ...others] = await this.pidsOf(/^tlsd|\/dist\/main\.js\0serve\0/);
    assert.ok(pid !== undefined && others.length === 0);
    return pid;
  }

  /** Nothing that the unit has started is left. */
  async assertNobodyLeft(): Promise<void> {
    assert.deepEqual(await this.workers(), []);
    assert.deepEqual(await this.pidsOf(/tls-director|^tlsd/), []);
    // systemd removes it some time after its last process has ended.
    const isGone = async (): Promise<boolean> => {
      const { code } = await this.machine.run("test", "-e", `/sys/fs/cgroup/system.slice/${unit}`);
      return code === 1;
    };
    await eventually(isGone, groupMs, "the end of its control group");
  }
}

async function filtered<T>(
  values: readonly T[],
  isWanted: (value: T) => Promise<boolean>,
): Promise<readonly T[]> {
  const answers = await Promise.all(values.map(isWanted));
  return values.filter((_, index) => answers[index]);
}

async function install(machine: SystemdMachine, engine: "bun" | "node"): Promise<Installation> {
  const deploy = "/opt/tls-director/lib/node_modules/tls-director/deploy";
  await machine.succeed(
    ...["install", "-D", "-m", "0644"],
    ...[`${deploy}/tlsd.sysusers.conf`, "/etc/sysusers.d/tlsd.conf"],
  );
  await machine.succeed("systemd-sysusers");
  await machine.succeed("install", "-d", "/etc/tlsd");
  await machine.succeed("install", "-m", "0644", `${deploy}/tlsd.service`, "/etc/systemd/system/");
  await machine.succeed("systemctl", "daemon-reload");
  const ca = await createTestCa();
  const issued = await ca.issue({ names: ["shop.example"] });
  await issued.writeTo(machine.path("/etc/tlsd"), "shop");
  await machine.succeed("chown", "tlsd", "/etc/tlsd/shop.key");
  const endpoint = await startHttpEndpoint(servedText);
  const ip = uniqueVirtualIp();
  // A port that takes CAP_NET_BIND_SERVICE.
  const port = 443;
  const documentOf = (settings: object): object =>
    shopDocument({
      ...{ ip, port, servers: { web: endpoint.host }, to: endpoint.port },
      more: { director: { engine, workers: 2, workerUser: "tlsd-worker", ...settings } },
    });
  const client = { host: ip, port, ca: ca.certificatePem, servername: "shop.example" };
  const installation = new Installation(machine, client, documentOf);
  await installation.write(documentOf({ drain: "2s" }));
  return installation;
}

const timeout = 600_000;
const stepTimeout = 120_000;

test("the systemd unit", { timeout }, async (t) => {
  if (findProgram("npm") === undefined) return t.skip("there is no npm");
  const folder = await makeTempFolder();
  const prefix = join(folder, "prefix");
  await mkdir(prefix);
  const installed = await installProgram(await packProgram(folder), prefix);
  assert.equal(installed.code, 0, installed.stderr);

  for (const engine of ["bun", "node"] as const) {
    await t.test(`with workers on ${engine}`, { timeout }, async (engineTest) => {
      const machine = await bootSystemd(engineTest, prefix);
      if (machine === undefined) return;
      await tryUnit(engineTest, await install(machine, engine));
    });
  }
});

async function tryUnit(t: TestContext, installation: Installation): Promise<void> {
  const { machine, client, documentOf } = installation;
  let isBroken = false;
  /** What a later step finds is what an earlier one has left. */
  const step = (name: string, run: () => Promise<void>): Promise<void> =>
    t.test(name, { timeout: stepTimeout, skip: isBroken }, async () => {
      isBroken = true;
      await run();
      isBroken = false;
    });

  await step("has nothing that systemd does not know", async () => {
    const path = `/etc/systemd/system/${unit}`;
    const { code, stdout, stderr } = await machine.run("systemd-analyze", "verify", path);
    assert.deepEqual([code, stdout, stderr], [0, "", ""]);
  });

  await step("is not started by a bad document, and says so at once", async () => {
    await installation.write("servers: { web: { adress: 127.0.0.1 } }\n");
    const startedAt = performance.now();
    const { code } = await machine.run("systemctl", "start", unit);
    assert.notEqual(code, 0);
    assert.ok(performance.now() - startedAt < 60_000);
    assert.match(await installation.journal(), /servers\.web\.adress/);
    await installation.systemctl("stop", unit);
    await machine.run("systemctl", "reset-failed", unit);
    await installation.assertNobodyLeft();
  });

  await step("is started when it listens, not before", async () => {
    await installation.write(documentOf({ drain: "2s" }));
    await installation.systemctl("start", unit);
    await using first = await tlsConnect(client);
    await ask(first);
    assert.equal(await machine.property(unit, "ActiveState"), "active");
  });

  await step("runs workers as tlsd-worker and the control process as tlsd", async () => {
    const uidOf = async (name: string): Promise<number> =>
      Number(await machine.succeed("id", "-u", name));
    const workers = await installation.workers();
    assert.equal(workers.length, 2);
    const worker = await uidOf("tlsd-worker");
    for (const pid of workers) {
      const { uids, groups, effective, bounding, hasNoNewPrivileges } = privilegesOf(pid);
      assert.deepEqual(uids, [worker, worker, worker, worker]);
      assert.deepEqual(groups, []);
      assert.deepEqual([effective, bounding], [[caps.netBindService], [caps.netBindService]]);
      assert.ok(hasNoNewPrivileges);
    }
    const control = privilegesOf(await installation.control());
    const tlsd = await uidOf("tlsd");
    assert.deepEqual(control.uids, [tlsd, tlsd, tlsd, tlsd]);
    assert.deepEqual(control.bounding, Object.values(caps));
    assert.doesNotMatch(await installation.journal(), /no-privilege-boundary|control-runs-as-root/);
  });

  await step("fails a reload that is refused, with every problem, and serves on", async () => {
    await using before = await tlsConnect(client);
    await installation.write(
      "servers: { web: { adress: 127.0.0.1 } }\nprofiles: { shop: { servers: [nowhere] } }\n",
    );
    const { code } = await machine.run("systemctl", "reload", unit);
    assert.notEqual(code, 0);
    const journal = await installation.journal();
    assert.match(journal, /^ +at servers\.web\.adress$/m);
    assert.match(journal, /^ +at profiles\.shop\.servers\[0\]$/m);
    assert.equal(await machine.property(unit, "ActiveState"), "active");
    await ask(before);
  });

  await step("reloads a good document", async () => {
    const document = documentOf({ drain: "2s" }) as { servers: object };
    const servers = { ...document.servers, added: { address: "192.0.2.7" } };
    await installation.write({ ...document, servers });
    await installation.systemctl("reload", unit);
    assert.match(await installation.journal(), /^Revision 2 is in force\.$/m);
  });

  await step("keeps connections and serves on while the control process is killed", async () => {
    await using open = await tlsConnect(client);
    await ask(open);
    const orphans = await installation.workers();
    const killed = await machine.property(unit, "MainPID");
    process.kill(await installation.control(), "SIGKILL");
    const isBack = async (): Promise<boolean> => {
      // No connection is lost meanwhile.
      await using fresh = await tlsConnect(client);
      await ask(fresh);
      const state = await machine.property(unit, "ActiveState");
      const pid = await machine.property(unit, "MainPID");
      return state === "active" && pid !== killed && pid !== "0";
    };
    const expiresAt = performance.now() + restartMs;
    while (!(await isBack())) {
      assert.ok(performance.now() < expiresAt, await installation.journal());
      await delay(50);
    }
    await ask(open);
    assert.equal(await machine.property(unit, "NRestarts"), "1");
    open.end();
    await eventually(
      async () => {
        const workers = await installation.workers();
        return workers.length === 2 && !workers.some((pid) => orphans.includes(pid));
      },
      restartMs,
      "the end of the old workers",
    );
    await using fresh = await tlsConnect(client);
    await ask(fresh);
  });

  await step("seals with a credential of systemd, which nothing else can read", async () => {
    const key = machine.path("/etc/tlsd/credential");
    await writeFile(key, newMasterKeyText(), { mode: 0o600 });
    const dropIn = `/run/systemd/system/${unit}.d`;
    await machine.succeed("mkdir", "-p", dropIn);
    const settings = "[Service]\nLoadCredential=tlsd-key:/etc/tlsd/credential\n";
    await writeFile(machine.path(join(dropIn, "credential.conf")), settings);
    await installation.systemctl("daemon-reload");
    const made = "/var/lib/tlsd-key/master.key";
    const masterKey = { credential: "tlsd-key" };
    // The copies of the certificate of files are sealed with the key that the first start has made.
    await installation.write(
      documentOf({ drain: "2s", masterKey, previousMasterKey: { file: made } }),
    );
    await installation.systemctl("restart", unit);
    const tlsd = (...args: readonly string[]): Promise<string> =>
      machine.succeed(
        "env",
        "TLSD_SOCKET=/run/tlsd/tlsd.sock",
        "/opt/tls-director/bin/tlsd",
        ...args,
      );
    const changed = await tlsd("set", "master-key");
    assert.match(changed, /in the credential tlsd-key is in use/);
    await installation.write(documentOf({ drain: "2s", masterKey }));
    await machine.succeed("rm", made);
    await tlsd(
      "import",
      "certificate",
      "kept",
      "--chain",
      "/etc/tlsd/shop.pem",
      "--key",
      "/etc/tlsd/shop.key",
    );
    assert.match(await tlsd("show", "certificate", "kept"), /inventory/);
    // The director still opens the key after a start, and made no other master key.
    await installation.systemctl("restart", unit);
    assert.doesNotMatch(await tlsd("show", "status"), /master key/);
    assert.match(await tlsd("show", "certificate", "kept"), /inventory/);
    const { code } = await machine.run("test", "-e", made);
    assert.equal(code, 1);
    for (const pid of await installation.workers()) {
      assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, "latin1"), /CREDENTIALS/);
    }
    for (const pid of [await installation.control(), ...(await installation.workers())]) {
      assert.match(readFileSync(`/proc/${pid}/limits`, "utf8"), /^Max core file size +0 +0 /m);
    }
    await machine.succeed("rm", join(dropIn, "credential.conf"));
    await installation.systemctl("daemon-reload");
    // Without the credential it serves what needs none of its keys.
    await installation.systemctl("restart", unit);
    assert.match(await tlsd("show", "status"), /The master key cannot be read from the credential/);
    await using fresh = await tlsConnect(client);
    await ask(fresh);
    await installation.write(documentOf({ drain: "2s" }));
  });

  await step("leaves nobody behind when it is stopped", async () => {
    await using open = await tlsConnect(client);
    await ask(open);
    await installation.systemctl("stop", unit);
    await installation.assertNobodyLeft();
    assert.match(await open.read.outcome(), /^(end|ECONNRESET)$/);
    assert.equal(await machine.property(unit, "Result"), "success");
  });

  await step(
    "leaves nobody behind when the control process is killed at the deadline",
    async () => {
      await installation.write(documentOf({ drain: "1h", orphanGrace: "1h" }));
      const dropIn = `/run/systemd/system/${unit}.d`;
      await machine.succeed("mkdir", "-p", dropIn);
      const settings = "[Service]\nTimeoutStopSec=3\n";
      await writeFile(machine.path(join(dropIn, "stop.conf")), settings);
      await installation.systemctl("daemon-reload");
      await installation.systemctl("start", unit);
      await using open = await tlsConnect(client);
      await ask(open);
      await installation.systemctl("stop", unit);
      await installation.assertNobodyLeft();
      assert.equal(await machine.property(unit, "Result"), "timeout");
      await machine.succeed("rm", join(dropIn, "stop.conf"));
      await installation.systemctl("daemon-reload");
    },
  );

  await step("leaves nobody behind when the control process is killed while it stops", async () => {
    await machine.run("systemctl", "reset-failed", unit);
    await installation.systemctl("start", unit);
    await using open = await tlsConnect(client);
    await ask(open);
    const control = await installation.control();
    await installation.systemctl("stop", "--no-block", unit);
    const isDraining = async (): Promise<boolean> =>
      (await installation.journal()).split('"event":"draining"').length > 3;
    await eventually(isDraining, restartMs, "the drain");
    process.kill(control, "SIGKILL");
    const isDown = async (): Promise<boolean> =>
      /^(?:failed|inactive)$/.test(await machine.property(unit, "ActiveState"));
    await eventually(isDown, restartMs, "the end of the unit");
    await installation.assertNobodyLeft();
  });

  await step("counts a crash after that as a crash again", async () => {
    await machine.run("systemctl", "reset-failed", unit);
    await installation.write(documentOf({ drain: "1s", orphanGrace: "1h" }));
    await installation.systemctl("start", unit);
    const workers = await installation.workers();
    process.kill(await installation.control(), "SIGKILL");
    await eventually(
      async () => (await machine.property(unit, "NRestarts")) === "1",
      restartMs,
      "the restart",
    );
    assert.ok((await installation.workers()).some((pid) => workers.includes(pid)));
    await installation.systemctl("restart", unit);
    await using open = await tlsConnect(client);
    await ask(open);
    await installation.systemctl("stop", unit);
    await installation.assertNobodyLeft();
  });
}
