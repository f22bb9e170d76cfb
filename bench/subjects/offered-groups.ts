import type { Group } from "../load/terms.ts";

/** Key exchange groups of the bench that a TLS library knows, best first. OpenSSL has ML-KEM from 3.5. */
export function offeredGroupsOf(tlsLibrary: string): readonly Group[] {
  const [, major, minor] = /^OpenSSL (\d+)\.(\d+)/.exec(tlsLibrary) ?? [];
  const isHybrid =
    major === undefined
      ? /^(?:BoringSSL|AWS-LC)/.test(tlsLibrary)
      : Number(major) * 100 + Number(minor) >= 305;
  return isHybrid ? ["X25519MLKEM768", "X25519"] : ["X25519"];
}
