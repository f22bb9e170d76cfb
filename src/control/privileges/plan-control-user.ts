import type { Notice } from "#control/notice.ts";
import { hasSetpriv, setprivOf, tryReadAs } from "./setpriv.ts";
import { trySystemUser, type SystemUser } from "./system-user.ts";

/** Who the control process should be. */
export type ControlUserPlan =
  | { readonly kind: "become"; readonly user: SystemUser; readonly prefix: readonly string[] }
  | { readonly kind: "stay"; readonly notice: Notice };

/** What it takes to start workers as another user and to signal them, and to try a privileged port. */
const CAPABILITIES = "+setuid,+setgid,+setpcap,+kill,+net_bind_service";

/** For a control process that was started as root. `files` are those it reads on its way: program and document. */
export function planControlUser(name: string, files: readonly string[]): ControlUserPlan {
  if (!hasSetpriv()) return stay("setpriv (package util-linux) is not installed.");
  const user = trySystemUser(name);
  if (user === undefined) {
    return stay(
      `There is no user ${name} (director.user). ` +
        `\`useradd --system --shell /usr/sbin/nologin ${name}\` creates the user.`,
    );
  }
  if (user.uid === 0) return stay(`User ${name} (director.user) is root.`);
  // The groups of the user may be what lets it read the keys.
  const prefix = setprivOf(user, "--init-groups", CAPABILITIES);
  const obstacle = tryReadAs(prefix, files);
  return obstacle === undefined
    ? { kind: "become", user, prefix }
    : stay(`User ${name} (director.user) cannot take over: ${obstacle}.`);
}

const stay = (reason: string): ControlUserPlan => ({
  kind: "stay",
  notice: { event: "control-runs-as-root", text: `The control process stays root. ${reason}` },
});
