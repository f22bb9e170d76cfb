import type { ConnectionState } from "../../connection/connection-state.ts";
import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";

/** The ids of requests that a trusted client may choose. */
const GIVEN_ID = /^[\w.:+/=@-]{1,128}$/;

type Identified = Pick<ConnectionState, "id">;

/** What the ids of all requests of a connection begin with, unless the client has chosen them. */
export const idPrefixOf = ({ id }: Identified): string => `${id}-`;

/** After it comes the number of the request in this base. */
export const ID_BASE = 36;

/** Returns the id of the request with this number on its connection. */
export const requestIdOf = (connection: Identified, number: number): string =>
  idPrefixOf(connection) + number.toString(ID_BASE);

export function tryGivenId(fields: HeadFields): string | undefined {
  const index = fields.find(FIELD.xRequestId);
  if (index < 0 || fields.find(FIELD.xRequestId, index + 1) >= 0) return undefined;
  const value = fields.value(index);
  return GIVEN_ID.test(value) ? value : undefined;
}
