import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { before, it } from "node:test";
import { parseListeningSockets } from "#control/doctor/listening-sockets.ts";
import type { DoctorCheck } from "#model/records/doctor.ts";
import type { ListenerStatus, VnicStatus } from "#model/records/status.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { runToExit } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { isEvent } from "#harness/log-capture.ts";
import { isInNetworkNamespace, runInNetworkNamespace } from "#harness/network-namespace.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";

/** The vNICs and their virtual IPs. The addresses are for documentation (RFC 5737, RFC 3849), so no machine has them. */
const ips = { four: "198.51.100.10", six: "2001:db8::10", any: "203.0.113.7" } as const;
type Name = keyof typeof ips;
const names = ["four", "six", "any"] as const;
const port = 8443;
const patchHeaders = { "content-type": "application/merge-patch+json" };
const noticeMs = 15_000;

/** Returns how many sockets listen on the address. */
async function socketsOn(ip: string): Promise<number> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/self/net/${name}`, "utf8")),
  );
  return tables.flatMap(parseListeningSockets).filter((socket) => socket.ip === ip).length;
}

async function sh(command: string): Promise<void> {
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  const { code, stderr } = await runToExit("/bin/sh", ["-c", command], { env });
  assert.equal(code, 0, `${command}: ${stderr}`);
}

if (isInNetworkNamespace) {
  forEachEngineIfLong("bun", (engine) => {
    const frontIp = uniqueVirtualIp();
    const lateIp = engine === "bun" ? "198.51.100.20" : "198.51.100.21";
    let ca: TestCa;
    let director: Director;
    let document: Record<string, object>;
    let vnics: Record<string, object>;
    let to: number;

    const serve = (host: string, at = port): Promise<unknown> =>
      visit({ host, port: at, ca: ca.certificatePem, servername: "shop.example" });
    const vnicOf = async (name: string): Promise<VnicStatus> => {
      const { body } = await director.api("/v1/vnics");
      const found = (body as readonly VnicStatus[]).find((vnic) => vnic.name === `${name}.shop`);
      return found ?? assert.fail(name);
    };
    const untilOper = (name: string, oper: VnicStatus["oper"]): Promise<VnicStatus> =>
      eventually(
        async () => {
          const vnic = await vnicOf(name);
          return vnic.oper === oper ? vnic : undefined;
        },
        noticeMs,
        `vNIC ${name} ${oper}`,
      );
    const eventsOf = (event: string, name: string): number =>
      director.logs.filter((line) => isEvent(line, event) && line["vnic"] === `${name}.shop`)
        .length;
    const workerPids = async (): Promise<readonly number[]> =>
      (await director.workers()).filter(({ state }) => state === "serving").map(({ pid }) => pid);
    const untilReplaced = (killed: readonly number[]): Promise<boolean> =>
      eventually(
        async () => {
          const pids = await workerPids();
          return pids.length === 2 && !pids.some((pid) => killed.includes(pid));
        },
        noticeMs,
        "the successors",
      );
    const listenersAt = (at: number) => [{ port: at, to, certificates: ["shop"] }];
    const withVnics = (more: Record<string, object>): object => ({
      ...document,
      profiles: { shop: { servers: ["web"], vnics: { ...vnics, ...more } } },
    });

    before(async () => {
      ca = await createTestCa();
      const endpoint = await startHttpEndpoint(servedText);
      to = endpoint.port;
      const issued = await ca.issue({ names: ["shop.example"] });
      const all = { front: frontIp, ...ips };
      vnics = Object.fromEntries(
        Object.entries(all).map(([name, ip]) => [name, { ip, listeners: listenersAt(port) }]),
      );
      document = {
        servers: { web: { address: endpoint.host } },
        certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
      };
      director = await startDirector({
        document: withVnics({}),
        engine,
        workers: 2,
        files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
      });
    });

    it("a director starts although addresses are missing, serves the rest, and says so everywhere", async () => {
      await serve(frontIp);
      assert.equal((await vnicOf("front")).oper, "up");
      for (const name of names) {
        const { admin, oper, reason, remedy, listeners } = await vnicOf(name);
        assert.deepEqual([admin, oper], ["up", "down"], name);
        assert.equal(reason, `This machine does not have the virtual IP ${ips[name]}.`);
        assert.match(remedy ?? "", /^ip address add \S+\/(32|128) dev lo$/);
        const [listener] = listeners;
        assert.deepEqual(
          [listener?.oper, listener?.reason, listener?.remedy],
          [oper, reason, remedy],
        );
        assert.equal(eventsOf("address-missing", name), 1);
      }
      const { body } = await director.api("/v1/listeners");
      assert.equal(
        (body as readonly ListenerStatus[]).filter(({ oper }) => oper === "down").length,
        3,
      );
      const { warnings } = await director.status();
      const absent = warnings.filter(({ code }) => code === "address-not-local");
      assert.deepEqual(absent.map(({ path }) => path).toSorted(), [
        "profiles.shop.vnics.any.ip",
        "profiles.shop.vnics.four.ip",
        "profiles.shop.vnics.six.ip",
      ]);
      const shown = await director.cli("show", "vnics");
      assert.match(shown.stdout, /^four\.shop +up\/down +198\.51\.100\.10 /m);
      assert.match(
        shown.stdout,
        /^ {2}four\.shop: This machine does not have .* ip address add 198\.51\.100\.10\/32 dev lo$/m,
      );
      const checks = await director.api("/v1/doctor");
      const check = (checks.body as readonly DoctorCheck[]).find(
        ({ name }) => name === "virtual-ips",
      );
      assert.equal(check?.result, "warning");
      assert.match(check?.remedy ?? "", /^ip address add /);
      const metrics = await director.metrics();
      assert.equal(metrics.sum("tlsd_vnic_address_missing"), 3);
      assert.equal(metrics.value("tlsd_vnic_address_missing", { vnic: "six.shop" }), 1);
    });

    it("`tlsd check` warns with the command and accepts the document", async () => {
      const { code, stdout } = await director.cli("check", director.documentPath);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /warning: This machine does not have the virtual IP 198\.51\.100\.10/);
      assert.match(stdout, /ip address add 2001:db8::10\/128 dev lo/);
    });

    it("a vNIC comes up by itself when its address appears, by the command that is shown or by a local route", async () => {
      for (const name of ["four", "six"] as const) await sh((await vnicOf(name)).remedy ?? "false");
      await sh("ip route add local 203.0.113.0/24 dev lo");
      for (const name of names) {
        const { reason, remedy } = await untilOper(name, "up");
        assert.deepEqual([reason, remedy], [undefined, undefined]);
        await serve(ips[name]);
        assert.equal(eventsOf("address-appeared", name), 1);
      }
      assert.equal((await director.metrics()).sum("tlsd_vnic_address_missing"), 0);
      assert.equal((await director.status()).revision, 1);
    });

    const add: Readonly<Record<Name, string>> = {
      four: `ip address add ${ips.four}/32 dev lo`,
      six: `ip address add ${ips.six}/128 dev lo`,
      any: "ip route add local 203.0.113.0/24 dev lo",
    };
    const remove = (name: Name): Promise<void> => sh(add[name].replace(" add ", " del "));

    it("an address that is removed takes its vNIC down, and serves at once when it returns", async () => {
      for (const name of ["four", "six"] as const) await remove(name);
      for (const name of ["four", "six"] as const) await untilOper(name, "down");
      for (const name of ["four", "six"] as const) {
        await assert.rejects(serve(ips[name]));
        await sh(add[name]);
        // The sockets were kept, so no look of the director is needed.
        await serve(ips[name]);
        await untilOper(name, "up");
      }
    });

    it("a worker that starts while an address is missing is not killed for it, and listens when it returns", async () => {
      const old = await workerPids();
      const [first = 0] = old;
      for (const name of ["four", "six"] as const) await remove(name);
      process.kill(first, "SIGKILL");
      await untilReplaced([first]);
      for (const name of ["four", "six"] as const) {
        await untilOper(name, "down");
        assert.equal(await socketsOn(ips[name]), 1);
      }
      for (const name of ["four", "six"] as const) await sh(add[name]);
      for (const name of ["four", "six"] as const) await untilOper(name, "up");
      for (const name of ["four", "six"] as const) assert.equal(await socketsOn(ips[name]), 2);
      assert.ok(!director.logs.some((line) => isEvent(line, "worker-refused")));
    });

    it("all workers may end at the moment at which an address disappears", async () => {
      const old = await workerPids();
      await remove("four");
      for (const pid of old) process.kill(pid, "SIGKILL");
      await untilReplaced(old);
      await serve(frontIp);
      await untilOper("four", "down");
      await sh(add.four);
      await untilOper("four", "up");
      await serve(ips.four);
      assert.ok(!director.logs.some((line) => isEvent(line, "worker-refused")));
    });

    it("a change to a missing address is accepted with a warning, also as a dry run and in a reload", async () => {
      const patch = {
        profiles: { shop: { vnics: { late: { ip: lateIp, listeners: listenersAt(9443) } } } },
      };
      for (const query of ["?dryRun=true", ""]) {
        const { status, body } = await director.api(`/v1/document${query}`, {
          method: "PATCH",
          headers: patchHeaders,
          body: patch,
        });
        assert.equal(status, 200, JSON.stringify(body));
        const { warnings, listeners } = body as {
          readonly warnings: readonly { readonly code: string; readonly hint: string }[];
          readonly listeners: readonly object[];
        };
        const [warning, ...rest] = warnings.filter(({ code }) => code === "address-not-local");
        assert.match(warning?.hint ?? "", new RegExp(`ip address add ${lateIp}/32 dev lo`));
        assert.equal(rest.length, 0);
        assert.deepEqual(listeners, []);
      }
      const late = { ip: lateIp, listeners: listenersAt(9443) };
      await writeFile(director.documentPath, JSON.stringify(withVnics({ late })));
      const reloaded = await director.cli("reload", "--force");
      assert.equal(reloaded.code, 0, reloaded.stderr);
      assert.match(
        reloaded.stdout,
        /warning: profiles\.shop\.vnics\.late\.ip: This machine does not/,
      );
      assert.equal((await vnicOf("late")).oper, "down");
    });

    it("a port that is taken when the address appears keeps only its vNIC down", async () => {
      const other = createServer();
      closeAtTestEnd(() => void other.close());
      await new Promise<void>((resolve) => other.listen(9443, "0.0.0.0", resolve));
      await sh(`ip address add ${lateIp}/32 dev lo`);
      const { remedy } = await eventually(
        async () => {
          const vnic = await vnicOf("late");
          return /Another program uses the port/.test(vnic.reason ?? "") ? vnic : undefined;
        },
        noticeMs,
        "the reason",
      );
      assert.equal(remedy, undefined);
      // It does not stand in the way of other changes.
      const { status } = await director.api("/v1/document", {
        method: "PATCH",
        headers: patchHeaders,
        body: { servers: { more: { address: "127.0.0.1" } } },
      });
      assert.equal(status, 200);
      await new Promise((resolve) => other.close(resolve));
      await untilOper("late", "up");
      await serve(lateIp, 9443);
    });

    it("where the kernel binds every address, every address counts as present", async () => {
      await sh(`ip address del ${lateIp}/32 dev lo`);
      await untilOper("late", "down");
      await sh("echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind");
      await untilOper("late", "up");
      await sh("echo 0 > /proc/sys/net/ipv4/ip_nonlocal_bind");
      // The other engine begins as this one did.
      for (const name of names) await remove(name);
      await director.stop();
    });
  });
} else {
  it("virtual IPs that come and go", (t) => runInNetworkNamespace(t, import.meta.url, {}));
}
