import type { TcpListener } from "#model/document/modes/tcp.ts";
import type { SnapshotTcpListener } from "#model/records/modes/tcp.ts";
import type { ControlMode } from "../control-mode.ts";
import { compileTerminating, terminating } from "../terminating-listener.ts";

export const tcp: ControlMode<TcpListener, SnapshotTcpListener> = {
  ...terminating,
  compile: (listener, owner, base) => ({
    ...compileTerminating(listener, owner, base),
    mode: "tcp",
  }),
};
