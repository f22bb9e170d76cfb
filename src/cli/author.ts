import { userInfo } from "node:os";

/** The limit of the admin API for one value. */
const MAX_VALUE_LENGTH = 128;

/**
 * Returns the value of the header Tlsd-Author, which names the user that runs the command, e.g. `uid=1000; user=alice;
 * sudo-user=bob`. Values are percent-encoded. `sudoUser` is the environment variable SUDO_USER.
 */
export function authorOf(sudoUser: string | undefined): string {
  const parts = [
    ["uid", String(process.getuid?.() ?? "")],
    ["user", userName()],
    ["sudo-user", sudoUser ?? ""],
  ] as const;
  return parts
    .map(([key, value]) => [key, encodeURIComponent(value.toWellFormed())] as const)
    .filter(([, value]) => value !== "" && value.length <= MAX_VALUE_LENGTH)
    .map(([key, value]) => `${key}=${value}`)
    .join("; ");
}

/** Returns "" for a user id without a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
