/**
 * Splits PEM text that was checked before into blocks, because Node reads only one CRL from each string. Returns undefined if there is
 * no block.
 */
export const pemBlocksOf = (pem: string | undefined): string[] | undefined =>
  pem?.match(/-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----/g) ?? undefined;
