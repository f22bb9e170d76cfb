import type { RedirectListener } from "#model/document/modes/redirect.ts";
import type { SnapshotRedirectListener } from "#model/records/modes/redirect.ts";
import type { ControlMode } from "../control-mode.ts";

const HTTPS_PORT = 443;

const httpsPortOf = ({ to }: RedirectListener): number =>
  typeof to === "number" ? to : HTTPS_PORT;

export const redirect: ControlMode<RedirectListener, SnapshotRedirectListener> = {
  compile: (listener, _owner, base) => ({
    ...base,
    mode: "redirect",
    acceptProxyProtocol: listener.acceptProxyProtocol,
    httpsPort: httpsPortOf(listener),
  }),
  clientTlsOf: () => undefined,
  endpointTrustsOf: () => [],
  endpointCertificateOf: () => undefined,
  unixSocketsOf: () => [],
  statusOf: (listener) => ({ to: String(httpsPortOf(listener)), policy: "", certificates: [] }),
};
