import { fileURLToPath } from "node:url";
import { runToExit } from "./child-process.ts";
import { requirePackage } from "./packages.ts";
import { scaled } from "./run-length.ts";
import { makeTempFolder, writeFiles } from "./temp-folder.ts";

const insideVariable = "TLSD_TEST_NETWORK";
const runDeadlineMs = scaled({ short: 100_000, long: 300_000 });

/** True in the run that `runInNetworkNamespace` has started. */
export const isInNetworkNamespace = process.env[insideVariable] !== undefined;

/** Stands for /etc/resolv.conf. */
const resolverFile = "resolv.conf";

/**
 * Runs a test file again, inside a network of its own with nothing but a loopback, where `settings` (below /proc/sys/net)
 * are in force, and `nameServer`, if any, is asked for names. Throws with its output when it fails. Skips the test,
 * saying why, where this machine gives no namespaces.
 */
export async function runInNetworkNamespace(
  t: { skip(reason: string): void },
  fileUrl: string,
  settings: Readonly<Record<string, string>>,
  nameServer?: string,
): Promise<void> {
  if (!(await requirePackage(t, "iproute2", "ip"))) return;
  const isRoot = process.getuid?.() === 0;
  const unshare = [
    "unshare",
    "--net",
    "--mount",
    ...(isRoot ? [] : ["--map-root-user"]),
    "--",
    "/bin/sh",
    "-c",
  ];
  const folder = await makeTempFolder();
  await writeFiles(folder, { [resolverFile]: `nameserver ${nameServer}\n` });
  const setUp = [
    "PATH=$PATH:/usr/sbin:/sbin ip link set lo up",
    ...Object.entries(settings).map(([name, value]) => `echo ${value} > /proc/sys/net/${name}`),
    ...(nameServer === undefined
      ? []
      : [`mount --bind ${folder}/${resolverFile} /etc/resolv.conf`]),
  ].join(" && ");
  const trial = await runIn([...unshare, setUp]);
  if (trial.code !== 0) {
    t.skip(`no network namespace with ${Object.keys(settings).join(", ")}: ${trial.stderr.trim()}`);
    return;
  }
  const test = [process.execPath, "--test", "--test-reporter=spec", fileURLToPath(fileUrl)];
  const { code, stdout, stderr } = await runIn([...unshare, `${setUp} && exec "$0" "$@"`, ...test]);
  if (code !== 0) throw new Error(`inside the network namespace:\n${stdout}${stderr}`);
}

/** The settings of this run, such as its length and the engine under test, are those of the run inside, too. */
function runIn([command = "", ...args]: readonly string[]): ReturnType<typeof runToExit> {
  const settings = Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith("TLSD_TEST_") && value !== undefined ? [[name, value] as const] : [],
  );
  return runToExit(command, args, {
    deadlineMs: runDeadlineMs,
    env: { ...Object.fromEntries(settings), [insideVariable]: "1" },
  });
}
