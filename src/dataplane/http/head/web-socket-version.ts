import { FIELD } from "./field-names.ts";
import type { HeadFields } from "./head-fields.ts";

/** Whether a request is for a WebSocket of version 13 (RFC 6455 section 4.1). There is no other version. */
export const isVersion13 = (fields: HeadFields): boolean =>
  fields.only(FIELD.secWebsocketVersion) === "13";
