import type { DoctorCheck } from "#model/records/doctor.ts";
import type { DoctorFacts } from "./doctor-facts.ts";

type Check = (facts: DoctorFacts) => DoctorCheck;

const SCARCE_CONNECTIONS = 1_000;
const MIN_SOMAXCONN = 1_024;
const CLOCK_TOLERANCE_MS = 60_000;
const MAX_NAMED = 5;

const ok = (name: string, message: string): DoctorCheck => ({ name, result: "ok", message });
const warning = (name: string, message: string, remedy: string): DoctorCheck => ({
  ...{ name, result: "warning", message, remedy },
});
const problem = (name: string, message: string, remedy: string): DoctorCheck => ({
  ...{ name, result: "problem", message, remedy },
});

/** Names the first few, and counts the rest. */
function listed(names: readonly string[]): string {
  const rest = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

const openFiles: Check = ({ openFiles: { limit, connectionsPerWorker, wantedPerWorker } }) => {
  const message = `The director may open ${limit} files, so each worker may have ${connectionsPerWorker} connections.`;
  const remedy = "ulimit -n 1048576    # or LimitNOFILE=1048576 in the unit; then start again";
  if (wantedPerWorker !== undefined && connectionsPerWorker < wantedPerWorker) {
    const wanted = `director.maxConnections wants ${wantedPerWorker}.`;
    return problem("open-files", `${message} ${wanted}`, remedy);
  }
  return connectionsPerWorker < SCARCE_CONNECTIONS && wantedPerWorker === undefined
    ? problem("open-files", message, remedy)
    : ok("open-files", message);
};

const migrateRequests: Check = ({ migrateRequests: value }) => {
  const name = "tcp-migrate-req";
  if (value === undefined) return ok(name, "This kernel has no net.ipv4.tcp_migrate_req.");
  if (value !== "0") return ok(name, `net.ipv4.tcp_migrate_req is ${value}.`);
  return warning(
    name,
    "net.ipv4.tcp_migrate_req is 0, so connections that a worker has not yet accepted are reset when it ends.",
    "sysctl -w net.ipv4.tcp_migrate_req=1",
  );
};

const somaxconn: Check = ({ somaxconn: value }) => {
  const name = "somaxconn";
  if (value === undefined) return ok(name, "net.core.somaxconn cannot be read.");
  const message = `net.core.somaxconn is ${value}.`;
  return value >= MIN_SOMAXCONN
    ? ok(name, message)
    : warning(
        name,
        `${message} More connections than that cannot wait for a busy worker.`,
        "sysctl -w net.core.somaxconn=4096",
      );
};

/** A director whose virtual IPs another machine has, until they fail over to this one, is in order. */
const virtualIps: Check = ({ missingIps, virtualIpCount, isNonlocalBindAllowed, addCommandOf }) => {
  const name = "virtual-ips";
  const [first] = missingIps;
  if (first === undefined) {
    const message = isNonlocalBindAllowed
      ? `The director listens on all ${virtualIpCount} virtual IPs. Whether this machine has them is not known, because net.ipv4.ip_nonlocal_bind is 1.`
      : `This machine has all ${virtualIpCount} virtual IPs.`;
    return ok(name, message);
  }
  const message = `This machine does not have the virtual IP ${listed(missingIps)}, so the vNIC is down.`;
  return warning(name, message, addCommandOf(first));
};

const clock: Check = ({ nowMs, clock: { newestFileMs, certificates, isSynchronised } }) => {
  const name = "clock";
  const remedy = "timedatectl set-ntp true    # or set the time: date -s";
  const early = certificates.filter(({ notBeforeMs }) => notBeforeMs > nowMs);
  if (early.length > 0) {
    const names = listed(early.map((certificate) => certificate.name));
    return problem(name, `By this clock, a certificate is not valid yet: ${names}.`, remedy);
  }
  if (newestFileMs !== undefined && newestFileMs > nowMs + CLOCK_TOLERANCE_MS) {
    const seconds = Math.round((newestFileMs - nowMs) / 1_000);
    return warning(name, `A file of the director was written ${seconds} s in the future.`, remedy);
  }
  if (isSynchronised === false) {
    return warning(name, "The time service is not synchronised.", remedy);
  }
  return ok(
    name,
    isSynchronised === true
      ? "The clock is synchronised, and no certificate and no file is newer."
      : "No certificate and no file is newer than the clock.",
  );
};

const folders: Check = (facts) => {
  const name = "folders";
  for (const { kind, path, mode, uid, isWritable } of facts.folders) {
    const subject = `The ${kind} folder ${path}`;
    if (mode === undefined) {
      return problem(name, `${subject} does not exist.`, `install -d -m 700 ${path}`);
    }
    if (!isWritable) {
      const remedy =
        uid === facts.ownUid ? `chmod u+rwx ${path}` : `chown -R ${facts.ownUid} ${path}`;
      return problem(name, `${subject} cannot be written to by uid ${facts.ownUid}.`, remedy);
    }
    if ((mode & 0o077) !== 0) {
      return problem(name, `${subject} is open to other users.`, `chmod 700 ${path}`);
    }
  }
  return ok(name, "The data and the runtime folder can be written to, and are closed to others.");
};

const engine: Check = ({ engine: { name, file, isExecutable, notice, ...workers } }) => {
  const install = "npm ci    # or install the program again, without --omit=optional";
  if (!isExecutable) return problem("engine", `Engine ${name} cannot be run: ${file}.`, install);
  if (workers.servingWorkers === 0) {
    return problem("engine", `No worker serves on engine ${name}.`, "tlsd show workers");
  }
  if (notice !== undefined) return warning("engine", notice, install);
  const { servingWorkers, wantedWorkers } = workers;
  return ok("engine", `${servingWorkers} of ${wantedWorkers} workers serve on engine ${name}.`);
};

const users: Check = ({ users: all, ownUid }) => {
  const name = "users";
  const missing = all.filter(({ exists }) => exists === false).map((user) => user.name);
  const [first] = missing;
  if (first !== undefined) {
    return warning(
      name,
      `There is no user ${missing.join(" and no user ")}, so there is less of a boundary between the processes.`,
      `useradd --system --no-create-home --shell /usr/sbin/nologin ${first}`,
    );
  }
  const names = all.map((user) => user.name).join(" and ");
  return ok(name, `The users ${names} exist. The director runs as uid ${ownUid}.`);
};

const ports: Check = ({ others }) => {
  const name = "ports";
  const [first] = others;
  if (first === undefined) return ok(name, "No other program listens on the ports of listeners.");
  const { listeners, address, uid, process } = first;
  const who =
    process === undefined ? `a program of uid ${uid}` : `${process.name} (pid ${process.pid})`;
  const rest = others.length === 1 ? "" : ` There are ${others.length - 1} more such sockets.`;
  return problem(
    name,
    `At ${address}, ${who} listens beside listener ${listeners[0]}, and may get its connections.${rest}`,
    process === undefined ? "ss -ltnp" : `kill ${process.pid}`,
  );
};

export const DOCTOR_CHECKS: readonly Check[] = [
  openFiles,
  migrateRequests,
  somaxconn,
  virtualIps,
  clock,
  folders,
  engine,
  users,
  ports,
];
