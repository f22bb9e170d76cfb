import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToExit, type ProcessResult } from "./child-process.ts";

/** Shorter than the deadline of a test, which is then skipped. */
const installDeadlineMs = 240_000;

// Package lists of a fresh image are missing or old: one update, then the same again.
const installScript = `
test -n "$1" && command -v "$1" >/dev/null && exit 0
shift
export DEBIAN_FRONTEND=noninteractive
get() {
  apt-get -o Acquire::Retries=3 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"
}
get install -y --no-install-recommends "$@" && exit 0
get update && get install -y --no-install-recommends "$@"
`;

/** Where Debian puts servers, which an ordinary user's PATH leaves out. */
const systemFolders = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

export function findProgram(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), ...systemFolders];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/**
 * True when the program of a Debian package is there, after installing the package if that is possible. Otherwise skips
 * the test, saying why: `if (!(await requirePackage(t, "nginx-light", "nginx"))) return;`
 */
export async function requirePackage(
  t: { skip(reason: string): void },
  packageName: string,
  program = packageName,
): Promise<boolean> {
  if (findProgram(program) !== undefined) return true;
  const advice = `install it with: apt-get install ${packageName}`;
  if (!mayInstallPackages()) {
    t.skip(`${program} is not there and cannot be installed here; ${advice}`);
    return false;
  }
  const reason = await installPackages([packageName], program).then(
    ({ stderr }) => stderr,
    (error: unknown) => String(error),
  );
  if (findProgram(program) !== undefined) return true;
  t.skip(`${packageName} could not be installed (${reason.trim().slice(-200)}); ${advice}`);
  return false;
}

/** Installs Debian packages, unless there is the program `unless` by then. */
export function installPackages(packages: readonly string[], unless = ""): Promise<ProcessResult> {
  const script = ["sh", "-c", installScript, "install", unless, ...packages];
  // Test files run beside each other; apt's own lock refuses instead of waiting.
  return runToExit("flock", [join(tmpdir(), "tlsd-test-apt.lock"), ...script], {
    deadlineMs: installDeadlineMs,
  });
}

export function mayInstallPackages(): boolean {
  return process.getuid?.() === 0 && isDebian();
}

function isDebian(): boolean {
  const release = "/etc/os-release";
  return existsSync(release) && /^ID(?:_LIKE)?=.*debian/m.test(readFileSync(release, "utf8"));
}
