import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  killTreeAtTestEnd,
  runToExit,
  startProcess,
  type ProcessResult,
  type RunningProcess,
} from "./child-process.ts";
import { eventually } from "./deadline.ts";
import { closeAtTestEnd } from "./lifetime.ts";
import { requirePackage } from "./packages.ts";
import { statusFieldOf, descendantsOf } from "./process-facts.ts";
import { makeTempFolder } from "./temp-folder.ts";

const bootDeadlineMs = 90_000;
const commandDeadlineMs = 120_000;
const endDeadlineMs = 10_000;

/**
 * Gives systemd a control group of its own, so that it takes the one of this machine for nobody's, and removes it at the
 * end. $1 is a folder to work in.
 */
const outerScript = `
set -eu
mkdir "$1/cgroup"
mount -t cgroup2 cgroup2 "$1/cgroup"
own=$1/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
group=$own/tlsd-test-$$
mkdir "$group"
(
  echo 0 >"$group/cgroup.procs"
  exec unshare --fork --pid --mount --uts --ipc --cgroup --kill-child sh "$1/init.sh" "$@"
) || echo "systemd ended: $?"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  find "$group" -depth -type d -exec rmdir {} + && break
  sleep 0.3
done
`;

/** The process 1 of the machine: a root of its own on the programs of this one. $2 is the prefix of the program. */
const initScript = `
set -eu
root=$1/root
mkdir "$root"
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr etc/systemd/system proc sys dev run tmp var/lib var/log var/tmp opt/tls-director root home old
mount --rbind /usr usr
for each in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$each" ]; then cp -P "/$each" .
  elif [ -d "/$each" ]; then mkdir "$each"; mount --rbind "/$each" "$each"
  fi
done
mount --bind -o ro "$2" opt/tls-director
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --bind /sys sys
mount -t tmpfs -o mode=755 tmpfs sys/fs
mkdir sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for each in null zero full random urandom tty; do : >"dev/$each"; mount --bind "/dev/$each" "dev/$each"; done
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
mkdir dev/shm
mount -t tmpfs -o mode=1777 tmpfs dev/shm
echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
printf 'passwd: files\ngroup: files\n' >etc/nsswitch.conf
cp /etc/ld.so.cache etc/
cp -r /etc/ld.so.conf /etc/ld.so.conf.d etc/
echo 0123456789abcdef0123456789abcdef >etc/machine-id
ln -s /lib/systemd/system/basic.target etc/systemd/system/default.target
pivot_root . old
cd /
umount -l /old
# systemd mounts the credentials of a service from a namespace of its own.
mount --make-rshared /
exec env -i container=tlsd-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console
`;

/** A Debian systemd that runs as process 1 of namespaces of its own, on the network of this machine. */
export class SystemdMachine {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** A path of the machine as it is seen from outside. */
  path(inside: string): string {
    return join(`/proc/${this.#pid}/root`, inside);
  }

  run(...command: readonly string[]): Promise<ProcessResult> {
    const namespaces = ["--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd"];
    const target = ["--target", String(this.#pid)];
    return runToExit("nsenter", [...target, ...namespaces, "--", ...command], {
      deadlineMs: commandDeadlineMs,
    });
  }

  /** Throws with what it printed unless it exits 0; gives what it printed. */
  async succeed(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...command);
    if (code !== 0) throw new Error(`${command.join(" ")}: ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** A property of the unit, as `systemctl show` prints it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.succeed("systemctl", "show", "--value", "--property", name, unit)).trim();
  }

  /** Ids of its processes, in the numbers of this machine. */
  processes(): readonly number[] {
    return descendantsOf(this.#pid).map(({ pid }) => pid);
  }
}

/**
 * Boots a machine whose /opt/tls-director is `prefix`, read-only; it ends with the test. Undefined, with the test skipped
 * and the reason, where this machine gives no namespaces or no control group.
 */
export async function bootSystemd(
  t: { skip(reason: string): void },
  prefix: string,
): Promise<SystemdMachine | undefined> {
  if (process.getuid?.() !== 0) {
    t.skip("only root can boot a systemd");
    return undefined;
  }
  if (!(await requirePackage(t, "systemd", "systemctl"))) return undefined;
  let started: RunningProcess | undefined;
  // Before the folder is made, as it is removed after this: the script then still has its control group to remove.
  closeAtTestEnd(async () => {
    if (started !== undefined) await end(started);
  });
  const folder = await makeTempFolder();
  const work = join(folder, "machine");
  await mkdir(work);
  await writeFile(join(work, "init.sh"), initScript);
  const script = ["sh", "-c", outerScript, "machine", work, prefix];
  const running = await startProcess("unshare", ["--mount", "--propagation", "private", ...script]);
  started = running;
  killTreeAtTestEnd(running);
  const pid = await eventually(
    () => running.hasExited() || tryInit(running),
    bootDeadlineMs,
    () => running.output(),
  );
  if (typeof pid !== "number") {
    const { stderr } = await running.exited;
    t.skip(`this machine boots no systemd: ${stderr.trim().slice(-300)}`);
    return undefined;
  }
  const machine = new SystemdMachine(pid);
  await eventually(
    async () => {
      const { stdout } = await machine.run("systemctl", "is-system-running");
      return /^(?:running|degraded)$/.test(stdout.trim());
    },
    bootDeadlineMs,
    () => `a booted systemd; it printed:\n${running.output()}\n`,
  );
  return machine;
}

async function end(running: RunningProcess): Promise<void> {
  const init = tryInit(running);
  if (init === undefined) return;
  process.kill(init, "SIGKILL");
  await eventually(() => running.hasExited(), endDeadlineMs, "the end of the machine");
}

/** The process that is process 1 in its namespace, once it is systemd. */
function tryInit(running: RunningProcess): number | undefined {
  return descendantsOf(running.pid).find(({ pid }) => {
    try {
      return (
        statusFieldOf(pid, "Name") === "systemd" && statusFieldOf(pid, "NSpid").endsWith("\t1")
      );
    } catch {
      return false;
    }
  })?.pid;
}
