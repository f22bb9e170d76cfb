/** The registry of what the control process does with a listener, by the listener's mode. */
import type { ListenerMode } from "#model/listener-mode.ts";
import type { Listener, ListenerOf } from "#model/document/listener.ts";
import type { Names } from "#model/document/names-option.ts";
import type { SnapshotListener, SnapshotListenerOf } from "#model/records/snapshot.ts";
import type { ListenerStatus } from "#model/records/status.ts";
import type { ListenerOwner } from "./listener-owner.ts";
import { egress } from "./modes/egress.ts";
import { http } from "./modes/http.ts";
import { redirect } from "./modes/redirect.ts";
import { tcp } from "./modes/tcp.ts";

/** `path` is the path of a setting relative to the listener, e.g. `endpointTls.ca`. */
interface Named {
  readonly path: string;
}

/** A CA bundle against which endpoints are verified. If `ca` is undefined, it is the bundle of the system. */
export interface EndpointTrust extends Named {
  readonly ca: string | undefined;
  /** False if the endpoint may present any certificate. The engine gets the bundle even then. */
  readonly isVerified: boolean;
  /** Whether only the health check uses it. The listener can then be served without it. */
  readonly isForCheck?: boolean;
}

export interface UnixSocket extends Named {
  readonly socketPath: string;
}

/** How a listener terminates the TLS of clients. */
export interface ClientTls {
  readonly policy: string;
  readonly certificates: readonly string[];
  /** What differs for clients of certain server names. */
  readonly names?: Names | undefined;
}

/** The fields that are compiled in the same way for every mode. */
export type CompiledBase = Pick<
  SnapshotListener,
  "name" | "vnic" | "virtualIp" | "port" | "allowFrom" | "denyFrom" | "timeouts" | "accessLog"
>;

export interface ControlMode<OfMode extends Listener, Compiled extends SnapshotListener> {
  /** Throws DirectorError if the listener refers to something that the owner lacks. */
  compile(listener: OfMode, owner: ListenerOwner, base: CompiledBase): Compiled;
  /** Returns undefined if clients do not use TLS. */
  clientTlsOf(listener: OfMode): ClientTls | undefined;
  endpointTrustsOf(listener: OfMode): readonly EndpointTrust[];
  /** Returns the certificate that is presented to endpoints, or undefined if there is none. */
  endpointCertificateOf(listener: OfMode): string | undefined;
  unixSocketsOf(listener: OfMode): readonly UnixSocket[];
  statusOf(listener: OfMode): Pick<ListenerStatus, "to" | "policy" | "certificates">;
}

const CONTROL_MODES = { tcp, http, redirect, egress } satisfies {
  readonly [Mode in ListenerMode]: ControlMode<ListenerOf<Mode>, SnapshotListenerOf<Mode>>;
};

export const controlModeOf = ({
  mode,
}: Pick<Listener, "mode">): ControlMode<Listener, SnapshotListener> => CONTROL_MODES[mode];
