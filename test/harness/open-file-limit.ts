import { runToExit } from "./child-process.ts";
import { statusFieldOf } from "./process-facts.ts";

/** The prefix of a command that may have no more than `count` open files, and whose children may not either. */
export function withOpenFileLimit(count: number): readonly string[] {
  return ["/bin/sh", "-c", `ulimit -n ${count} && exec "$0" "$@"`];
}

/** Lets a running process have no more than `count` open files, prlimit(2). What it has beyond that stays open. */
export async function limitOpenFiles(pid: number, count: number): Promise<void> {
  const idOf = (field: string): string => statusFieldOf(pid, field).split(/\s/)[0] ?? "";
  // The user of the process may do this. Root may not where a container keeps CAP_SYS_RESOURCE from it.
  const asOwner =
    idOf("Uid") === String(process.getuid?.())
      ? []
      : ["setpriv", `--reuid=${idOf("Uid")}`, `--regid=${idOf("Gid")}`, "--clear-groups", "--"];
  const prlimit = ["prlimit", "--pid", String(pid), `--nofile=${count}:`];
  const [command = "", ...args] = [...asOwner, ...prlimit];
  const { code, stderr } = await runToExit(command, args);
  if (code !== 0) throw new Error(`prlimit of process ${pid}: ${stderr}`);
}
