/** The largest document, as a file or as the body of a request. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
