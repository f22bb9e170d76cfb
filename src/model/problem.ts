/** Every problem that a document or the files it names can have. Codes are stable and never reused. */
import type { Problem } from "./failure.ts";

interface ProblemEntry {
  readonly severity: Problem["severity"];
  /** What to do next, where the place of the problem has nothing better to say. */
  readonly hint: string;
}

const error = (hint: string): ProblemEntry => ({ severity: "error", hint });
const warning = (hint: string): ProblemEntry => ({ severity: "warning", hint });

export const PROBLEMS = {
  "unknown-key": error("Leave it out; keys are checked so that a misspelt one is not overlooked."),
  "bad-name": error(
    "Use up to 63 lower-case letters, digits and hyphens, no hyphen at either end.",
  ),
  "missing-key": error("Add it."),
  "forbidden-key": error("Leave it out."),
  "bad-value": error("See docs/reference/document.md for what may stand here."),
  "malformed-rate": error(
    "Write <committed>_<peak> in bits a second with k, m or g, e.g. 100m_1g, the peak not below.",
  ),
  "malformed-duration": error("Write a whole number with its unit: 500ms, 10s, 5m or 12h."),
  "malformed-size": error("Write a whole number with its unit: 64KiB, 512MiB or 2GiB."),
  "bad-address": error("Write an IPv4 or IPv6 address; names are not resolved."),
  "bad-cidr": error("Write a network such as 192.0.2.0/24 or 2001:db8::/32, or one address."),
  "bad-endpoint": error("Write the port on the server, e.g. 8080, or unix:/path/to/socket."),
  "bad-server-name": error("Write a DNS name such as api.example.org, or an IP address."),
  "unknown-server": error("Add it under `servers`, or name one that is there."),
  "unknown-certificate": error("Add it under `certificates`, or name one that is there."),
  "unknown-policy": error("Add it under `policies`, or use modern or intermediate."),
  "duplicate-virtual-ip": error("Give each vNIC a virtual IP of its own; its ports are listeners."),
  "duplicate-port": error("Give each listener of a vNIC a port of its own."),
  "duplicate-server": error("Name each server once, in `servers` or in `standby`."),
  "too-many-vnics": error("Move a profile to another server."),
  "endpoint-loop": error("Give the server another port than the director's own listener has."),
  "address-clash": error("Give director.observe another port."),
  "mode-not-available": error(
    "Use mode tcp, which relays HTTP unchanged, until mode http is there.",
  ),
  "preset-name": error("Call the policy something else and set its `base`."),
  "bad-versions": error("Set minVersion not above maxVersion; those not set come from the base."),
  "suite-without-version": error("Leave the suite out, or widen minVersion and maxVersion."),
  "version-without-group": error("Add a group such as X25519, or leave the version out."),
  "version-without-suite": error("Add a suite of that version, or leave the version out."),
  "suite-without-key-type": error(
    "Add a suite for the certificates' key type, a certificate for the suites, or allow TLSv1.3.",
  ),
  "file-unreadable": error(
    "Check the path, which is relative to the document, and its permissions.",
  ),
  "certificate-malformed": error("Write PEM: the certificate first, then its intermediates."),
  "key-malformed": error(
    "Write one PEM private key: RSA from 2048 bits, ECDSA P-256 to P-521, Ed25519.",
  ),
  "key-encrypted": error("Name the file that holds its passphrase with `passphraseFile`."),
  "bad-passphrase": error("Check the first line of the passphrase file."),
  "key-mismatch": error("Put the certificate that belongs to the key first in the chain file."),
  "certificate-expired": error("Renew it and put the new files in its place."),
  "certificate-not-yet-valid": error("Wait until it is valid, or check the clock of this machine."),
  "certificate-unusable": error("Have it issued again with a current key and signature algorithm."),
  "reading-too-long": error(
    "Seal the key with fewer iterations, or leave out of the file what makes it long to read.",
  ),
  "reader-failed": error("It is tried again; the log says how it ended."),
  "ca-malformed": error("Write the CA certificates as PEM."),
  "system-ca-missing": error(
    "Name a CA bundle with `ca`, or install the system's, e.g. the package ca-certificates.",
  ),
  "ca-expired": error("Replace the CA certificate by its successor."),
  "crl-malformed": error("Write one PEM revocation list (X509 CRL) of each CA."),
  "crl-expired": error("Fetch the current revocation list; until then every client is refused."),
  "crl-mismatch": error("Put a revocation list of each CA of `ca` into the file, and no other."),
  internal: error("Report it with the log around it."),
  "pem-not-used": warning("Leave it out, or write it as PEM of a kind that is read from the file."),
  "key-usage": warning(
    "Have it issued again for a TLS server: digitalSignature in its key usage, serverAuth in an extended key usage.",
  ),
  "chain-large": warning("Spread the names over several certificates, and leave roots out."),
  "chain-order": warning("Put the issuer of each certificate right after it."),
  "no-server": warning("Name a server in `servers`."),
  "not-used": warning("Leave it out, or set what uses it."),
  "not-enforced-yet": warning("It is kept and shown for when the director enforces it."),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
export type ProblemCode = keyof typeof PROBLEMS;

export const problemOf = (
  code: ProblemCode,
  path: string,
  message: string,
  hint: string = PROBLEMS[code].hint,
): Problem => ({ path, code, message, hint, severity: PROBLEMS[code].severity });

/** Whether it never refuses anything, wherever it is found. */
export const isAdvice = ({ code }: Problem): boolean =>
  (PROBLEMS as Readonly<Record<string, ProblemEntry>>)[code]?.severity === "warning";

export const isError = (problem: Problem): boolean => problem.severity === "error";

const PLAIN_KEY = /^[A-Za-z0-9_-]+$/;

/** `profiles.shop.listeners[0]`; a key that would be misread is quoted: `servers["a.b"]`. */
export function pathOf(...steps: readonly (string | number)[]): string {
  return steps.reduce<string>((path, step) => {
    if (typeof step === "number") return `${path}[${step}]`;
    if (!PLAIN_KEY.test(step)) return `${path}[${quoted(step)}]`;
    return path === "" ? step : `${path}.${step}`;
  }, "");
}

const MAX_QUOTED_LENGTH = 80;

/** A value of the document in a sentence: short, on one line, and never PEM, as a private key may be pasted anywhere. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  if (text.includes("-----BEGIN")) return "PEM text";
  return text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text;
}
