/** The largest document, as a file or as the body of a request. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** The largest document in JSON without white space, however it came into force. */
export const MAX_DOCUMENT_CHARACTERS = 4 * 1024 * 1024;

export const TOO_MANY_CHARACTERS = "Without white space the document would have more than 4 MiB.";
