import type { JsonMap } from "../json.ts";

/**
 * The document as an operator wrote it: without defaults, without the settings under `director`, and with absolute paths. It is
 * in normal form, so that equal documents are deeply equal: no empty maps of names, and the listeners of a vNIC in the order of
 * their ports.
 */
export interface WrittenDocument {
  readonly servers?: JsonMap;
  readonly profiles?: JsonMap;
  readonly certificates?: JsonMap;
  readonly policies?: JsonMap;
}
