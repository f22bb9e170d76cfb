/** What the two sides of the access lines in JSON have in common: workers write them, and the control process checks them. */
import type { ListenerName, VnicName } from "../names.ts";

/** How each line begins, before its time. */
export const EXCHANGE_LINE_HEAD = '{"level":"info","time":"';

/** Returns what follows the time in each line of a listener. Names of vNICs and listeners need no escapes in JSON. */
export const exchangeLineStartOf = (vnic: VnicName, listener: ListenerName): string =>
  `","event":"exchange","vnic":"${vnic}","listener":"${listener}",`;
