import type { Notice } from "#control/notice.ts";
import { hasSetpriv, setprivOf, tryReadAs } from "./setpriv.ts";
import { trySystemUser, type SystemUser } from "./system-user.ts";

/** Whether the control process changes its user. */
export type ControlUserPlan =
  | { readonly kind: "become"; readonly user: SystemUser; readonly prefix: readonly string[] }
  | { readonly kind: "stay"; readonly notice: Notice };

/** The capabilities that are needed to start workers as another user, to signal them, and to probe a privileged port. */
const CAPABILITIES = "+setuid,+setgid,+setpcap,+kill,+net_bind_service";

/** Called if the control process was started as root. `files` are the program and the document, which it reads when it starts. */
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
  // The user may be able to read the keys only through its groups.
  const prefix = setprivOf(user, "--init-groups", CAPABILITIES);
  const obstacle = tryReadAs(prefix, files);
  return obstacle === undefined
    ? { kind: "become", user, prefix }
    : stay(`It cannot run as user ${name} (director.user): ${obstacle}.`);
}

const stay = (reason: string): ControlUserPlan => ({
  kind: "stay",
  notice: {
    event: "control-runs-as-root",
    text: `The control process continues to run as root. ${reason}`,
  },
});
