/** The lines of the store in which the director keeps its state. */

/** The revisions of the document. Their numbers are those of the heads. */
export const DOCUMENT_LINE = "document";
/** The document of the file as it was last applied. */
export const FILE_LINE = "file";
/** The key with which earlier versions made fingerprints of secrets. */
export const SECRET_KEY_LINE = "secret-key";
/** Which profiles standby servers serve. Only the newest head is kept. */
export const STANDBY_LINE = "standby";
/** The data keys of sealed private keys, wrapped with the master key. Only the newest head is kept. */
export const DATA_KEYS_LINE = "data-keys";
/** The versions of the certificates that the director keeps. Only the newest head is kept. */
export const INVENTORY_LINE = "inventory";
