import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToExit } from "./child-process.ts";

const installDeadlineMs = 300_000;

// Package lists of a fresh image are missing or old: one update, then the same again.
const installScript = `
command -v "$2" >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get install -y --no-install-recommends "$1" && exit 0
apt-get update && apt-get install -y --no-install-recommends "$1"
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
  if (process.getuid?.() !== 0 || !isDebian()) {
    t.skip(`${program} is not there and cannot be installed here; ${advice}`);
    return false;
  }
  const script = ["sh", "-c", installScript, "install", packageName, program];
  // Test files run beside each other; apt's own lock refuses instead of waiting.
  const result = await runToExit("flock", [join(tmpdir(), "tlsd-test-apt.lock"), ...script], {
    deadlineMs: installDeadlineMs,
  });
  if (findProgram(program) !== undefined) return true;
  t.skip(`${packageName} could not be installed (${result.stderr.trim().slice(-200)}); ${advice}`);
  return false;
}

function isDebian(): boolean {
  const release = "/etc/os-release";
  return existsSync(release) && /^ID(?:_LIKE)?=.*debian/m.test(readFileSync(release, "utf8"));
}
