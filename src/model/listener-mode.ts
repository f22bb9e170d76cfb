/**
 * What a listener can do with a connection. Each mode has a module of its name in the folders `modes/` of the document,
 * of the records, of the control process and of the data plane. The registries of these modules do not compile if one
 * is missing.
 */
export const LISTENER_MODES = ["tcp", "http", "redirect", "egress"] as const;
export type ListenerMode = (typeof LISTENER_MODES)[number];
