import { normaliseClientAddress } from "#model/addresses/cidr.ts";
import type { Listener } from "#model/document/listener.ts";
import { listenerNameOf } from "#model/names.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { durationMsOf } from "#model/units.ts";
import { controlModeOf, type CompiledBase } from "./control-mode.ts";
import type { ListenerOwner } from "./listener-owner.ts";

export const compileListener = (listener: Listener, owner: ListenerOwner): SnapshotListener =>
  controlModeOf(listener).compile(listener, owner, baseOf(listener, owner));

function baseOf(listener: Listener, owner: ListenerOwner): CompiledBase {
  const { port, allowFrom, denyFrom, timeouts, accessLog } = listener;
  return {
    name: listenerNameOf(owner.name, port),
    vnic: owner.name,
    virtualIp: normaliseClientAddress(owner.vnic.ip),
    port,
    allowFrom: allowFrom.length === 0 ? undefined : allowFrom,
    denyFrom,
    timeouts: {
      handshakeMs: durationMsOf(timeouts.handshake),
      connectMs: durationMsOf(timeouts.connect),
      idleMs: durationMsOf(timeouts.idle),
      halfClosedMs: durationMsOf(timeouts.halfClosed),
    },
    accessLog,
  };
}
