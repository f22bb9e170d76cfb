export type KeyType = "ecdsa" | "rsa";
export type Group = "X25519" | "X25519MLKEM768";
type HandshakeKind = "full" | "resumed" | "either";

/** What a connection of a case must have negotiated. Version and suite are the same in all cases. */
export interface Terms {
  /** Of the certificate; the client trusts that one only, so that a finished handshake proves it. */
  readonly keyType: KeyType;
  readonly group: Group;
  /** `either` counts the resumed ones: with several workers a ticket may meet one that cannot open it. */
  readonly handshake: HandshakeKind;
}

export const tlsVersion = "TLSv1.3";
export const cipherSuite = "TLS_AES_128_GCM_SHA256";

export const usualTerms: Terms = { keyType: "ecdsa", group: "X25519", handshake: "full" };

const keyTypeTexts: Record<KeyType, string> = { ecdsa: "ECDSA P-256", rsa: "RSA-2048" };
const handshakeTexts: Record<HandshakeKind, string> = {
  full: "full handshake",
  resumed: "resumed by ticket",
  either: "resumed by ticket where the worker can",
};

export function termsTextOf({ keyType, group, handshake }: Terms): string {
  return [tlsVersion, cipherSuite, group, keyTypeTexts[keyType], handshakeTexts[handshake]].join(
    ", ",
  );
}
