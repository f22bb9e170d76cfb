import { readFileSync } from "node:fs";
import type { Notice } from "./notice.ts";

const MIGRATE_REQUESTS = "/proc/sys/net/ipv4/tcp_migrate_req";

/** Returns notices about kernel settings that cause lost connections. Kernels before 5.14 do not have the setting. */
export function kernelNotices(path = MIGRATE_REQUESTS): readonly Notice[] {
  try {
    if (readFileSync(path, "utf8").trim() !== "0") return [];
  } catch {
    return [];
  }
  return [
    {
      event: "tcp-migrate-req-off",
      text:
        "net.ipv4.tcp_migrate_req is 0: connections that a worker has not yet accepted are reset when it ends. " +
        "`sysctl -w net.ipv4.tcp_migrate_req=1` gives them to the other workers.",
    },
  ];
}
