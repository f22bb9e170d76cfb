/** What a listener is compiled from in addition to its own settings, and functions that look up names there. */
import { normaliseClientAddress } from "#model/addresses/cidr.ts";
import type { Document } from "#model/document/document.ts";
import type { Profile } from "#model/document/profile.ts";
import type { ServerAdmin } from "#model/document/server.ts";
import type { Vnic } from "#model/document/vnic.ts";
import { DirectorError } from "#model/failure.ts";
import type { ListenerName, MaterialId, VnicName } from "#model/names.ts";
import { SYSTEM_TRUST_KEY, trustKeyOf, type Sources } from "./certificates/sources.ts";

/**
 * What a listener is compiled from besides the document. Of a certificate it is only known whether it has a version, so that a
 * new version compiles no listener again.
 */
export interface ListenerSources {
  readonly certificates: Pick<ReadonlyMap<string, unknown>, "has">;
  readonly trusts: Sources["trusts"];
}

/**
 * How often the sessions of a listener have been ended. A session resumes only in the epoch in which it was made. A listener
 * that is not in the map is in epoch 0. The epochs are not saved, because no session outlives the control process that made
 * the ticket keys.
 */
export type TicketEpochs = ReadonlyMap<ListenerName, number>;

/** The vNIC that owns the listener, the document and the files that it names. */
export interface ListenerOwner {
  readonly name: VnicName;
  readonly vnic: Vnic;
  readonly profile: Profile;
  readonly document: Document;
  readonly sources: ListenerSources;
  readonly ticketEpochs: TicketEpochs;
}

export const lacking = (what: string): DirectorError =>
  new DirectorError("internal", `A listener refers to ${what}, which did not pass the checks.`);

export function trustIdOf(
  sources: ListenerSources,
  ca: string,
  crl: string | undefined,
): MaterialId {
  const trust = sources.trusts.get(trustKeyOf(ca, crl));
  if (trust === undefined)
    throw lacking(`CA ${ca === SYSTEM_TRUST_KEY ? "bundle of the system" : ca}`);
  return trust.id;
}

/** Returns the admin state of the server that the profile names. */
export const serverAdminOf = ({ document }: ListenerOwner, server: string): ServerAdmin =>
  document.servers[server]?.admin ?? "up";

export function serverAddressOf({ document }: ListenerOwner, server: string): string {
  const address = document.servers[server]?.address;
  if (address === undefined) throw lacking(`server ${server}`);
  return normaliseClientAddress(address);
}
