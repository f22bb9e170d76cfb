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
/** `<vnic>.<profile> <server>`: a vNIC and a server that it uses, or the remote host of an egress listener. */
export type ServerPair = Branded<"server-pair">;

export const NAME_PATTERN = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
/** A port as the key of a map. Its number may still be too large. */
export const PORT_PATTERN = "^[1-9][0-9]{0,4}$";

export const vnicNameOf = (vnic: string, profile: string): VnicName =>
  `${vnic}.${profile}` as VnicName;
export const listenerNameOf = (vnic: VnicName, port: number): ListenerName =>
  `${vnic}:${port}` as ListenerName;
export const vnicOfListener = (listener: ListenerName): VnicName =>
  listener.slice(0, listener.lastIndexOf(":")) as VnicName;
/** Names of vNICs and profiles contain no dot. */
export const profileOfVnic = (vnic: VnicName): string => vnic.slice(vnic.indexOf(".") + 1);
export const serverPairOf = (vnic: VnicName, server: string): ServerPair =>
  `${vnic} ${server}` as ServerPair;

/** Returns a socket address as text, e.g. `127.0.0.1:443` or `[::1]:443` (RFC 3986 section 3.2.2). */
export const socketAddressOf = (address: string, port: number): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
