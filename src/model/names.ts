/** Types of names that must not be confused. A brand exists only at compile time. */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type CertificateName = Branded<"certificate">;
/** `<vnic>.<profile>` */
export type VnicName = Branded<"vnic">;
/** `<vnic>.<profile>:<port>` */
export type ListenerName = Branded<"listener">;
/** SHA-256 over chain and key of one version of a certificate, hex. */
export type MaterialId = Branded<"material">;

export const NAME_PATTERN = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

export const vnicNameOf = (vnic: string, profile: string): VnicName =>
  `${vnic}.${profile}` as VnicName;
export const listenerNameOf = (vnic: VnicName, port: number): ListenerName =>
  `${vnic}:${port}` as ListenerName;

/** Returns the vNIC in the name of a listener. */
export const vnicOfListener = (listener: string): VnicName =>
  listener.slice(0, listener.lastIndexOf(":")) as VnicName;

/** Returns a socket address as text, e.g. `127.0.0.1:443` or `[::1]:443` (RFC 3986 section 3.2.2). */
export const socketAddressOf = (address: string, port: number): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
