/** Every problem that a document, or a file that it names, can have. Codes are stable and never reused. */
import type { Problem } from "./failure.ts";

interface ProblemEntry {
  readonly severity: Problem["severity"];
  /** What to do next, unless the check that finds the problem has a better hint. */
  readonly hint: string;
}

const error = (hint: string): ProblemEntry => ({ severity: "error", hint });
const warning = (hint: string): ProblemEntry => ({ severity: "warning", hint });

export const PROBLEMS = {
  "unknown-key": error("Remove it. Unknown keys are refused because they are often misspelt."),
  "bad-name": error(
    "Use up to 63 lower-case letters, digits and hyphens, without a hyphen at either end.",
  ),
  "bad-certificate-name": error(
    "Use labels of lower-case letters, digits, `_` and `-`, joined by single dots, and `*.` before them if you like: shop, shop.example or *.shop.example. A name has up to 253 characters.",
  ),
  "missing-key": error("Add it."),
  "forbidden-key": error("Remove it."),
  "bad-value": error("docs/reference/document.md lists the allowed values."),
  "malformed-rate": error(
    "Write <committed>_<peak> in bits per second with k, m or g, e.g. 100m_1g. The peak must not be lower.",
  ),
  "malformed-duration": error("Write a whole number with its unit: 500ms, 10s, 5m or 12h."),
  "malformed-size": error("Write a whole number with its unit: 64KiB, 512MiB or 2GiB."),
  "bad-address": error("Write an IPv4 or IPv6 address; names are not resolved."),
  "bad-cidr": error("Write a network such as 192.0.2.0/24 or 2001:db8::/32, or one address."),
  "bad-endpoint": error("Write the port on the server, e.g. 8080, or unix:/path/to/socket."),
  "bad-server-name": error("Write a DNS name such as api.example.org, or an IP address."),
  "unknown-server": error("Add it under `servers`, or use the name of an existing server."),
  "unknown-profile": error("Add it under `profiles`, or use the name of an existing profile."),
  "unknown-certificate": error(
    "Add it under `certificates`, or use the name of an existing certificate.",
  ),
  "unknown-policy": error("Add it under `policies`, or use modern or intermediate."),
  "duplicate-virtual-ip": error("Give each vNIC a virtual IP of its own; its ports are listeners."),
  "duplicate-port": error("Give each listener of a vNIC a port of its own."),
  "duplicate-server": error("Name each server once, in `servers` or in `standby`."),
  "duplicate-server-name": error("Remove one of the two entries."),
  "too-many-vnics": error("Move a profile to another server."),
  "endpoint-loop": error("Use a port of the server that is not a listener of this director."),
  "endpoint-not-allowed": error("Use another address of the server."),
  "address-clash": error("Give director.observe another port."),
  "bad-field-name": error(
    "Write the name of an HTTP field: letters, digits and hyphens, e.g. X-Frame-Options.",
  ),
  "forbidden-field": error("Remove it. It says how an answer is sent on one connection."),
  "malformed-age": error("Write a whole number with its unit: 300s, 5m, 12h or 365d."),
  "preset-name": error("Give the policy another name, and set its `base`."),
  "bad-versions": error(
    "minVersion must not be above maxVersion. A version that is not set is that of the base.",
  ),
  "suite-without-version": error(
    "Remove the suite, or allow its version with minVersion and maxVersion.",
  ),
  "version-without-group": error("Add a group such as X25519, or do not allow the version."),
  "version-without-suite": error("Add a suite of that version, or do not allow the version."),
  "suite-without-key-type": error(
    "Add a suite for the key type of the certificates, add a certificate for the suites, or allow TLSv1.3.",
  ),
  "crl-with-partial-chain": error(
    "Remove `partialChain`, and add the root CA and its revocation list to the files; or remove `crl`.",
  ),
  "duplicate-key": error("Remove one of the two. The other would be ignored."),
  "nested-too-deeply": error("No document needs so many levels. Check where brackets are closed."),
  "unknown-fingerprint": error(
    "Write the secret. A fingerprint stands for a secret only in a change that is sent to the director which showed it, at the place where it was shown.",
  ),
  "path-outside": error(
    "Use a file in a folder of `director.paths`, or let the document of the director name the file.",
  ),
  "file-unreadable": error(
    "Check the path, which is relative to the document, and its permissions.",
  ),
  "certificate-malformed": error(
    "The file must be PEM: the certificate first, then its intermediates.",
  ),
  "key-malformed": error(
    "The file must hold one PEM private key: RSA of at least 2048 bits, ECDSA on P-256, P-384 or P-521, or Ed25519.",
  ),
  "key-encrypted": error(
    "Set `passphraseFile` to the file that holds its passphrase, or `passphrase` to the passphrase.",
  ),
  "bad-passphrase": error("Check `passphrase`, or the first line of the passphrase file."),
  "key-mismatch": error("Put the certificate that belongs to the key first in the chain file."),
  "key-missing": error(
    "Add the file of the private key, or import a PKCS #12 file, which holds certificate and key.",
  ),
  "certificate-missing": error("Add the file of the certificate."),
  "several-keys": error("Import each certificate with its key under a name of its own."),
  "key-cost": error(
    "Encrypt it again with fewer iterations: `openssl pkcs8 -in FILE -topk8 -v2 aes-256-cbc -out NEW-FILE`, or `openssl pkcs12 -in FILE -out PEM-FILE` if it is PKCS #12.",
  ),
  "encryption-unsupported": error(
    "`openssl pkcs8 -in FILE -topk8 -v2 aes-256-cbc -provider legacy -provider default -out NEW-FILE` encrypts it again with a current cipher.",
  ),
  "pkcs12-malformed": error(
    "Copy or export the file again. `openssl pkcs12 -info -noout -in FILE` shows whether it is whole.",
  ),
  "format-unsupported": error(
    "Import PEM, DER or PKCS #12: certificates, and a private key in PKCS #8, PKCS #1 or SEC 1.",
  ),
  "chain-mismatch": error(
    "Import the certificate with the intermediates that its CA sent with it, or without any.",
  ),
  "chain-too-large": error(
    "Distribute the names over several certificates, and remove certificates that the chain does not need.",
  ),
  "too-many-names": error("Distribute the names over several certificates."),
  "name-malformed": error("Have it issued again with DNS names without control characters."),
  "name-clash": error("Rename one of them, or import them one at a time under names of their own."),
  "import-too-large": error("Import only the certificate, its chain and its key."),
  "engine-lacks-key": error(
    "Have it issued for another type of key, or run the workers with --engine node.",
  ),
  "engine-lacks-suite-choice": error(
    "List all three suites, or run the workers with --engine node.",
  ),
  "certificate-expired": error("Renew it, and replace its files."),
  "certificate-not-yet-valid": error("Wait until it is valid, or check the clock of this machine."),
  "certificate-unusable": error("Have it issued again with a current key and signature algorithm."),
  "reading-too-long": error(
    "Encrypt the key with fewer iterations, or remove what is slow to parse from the file.",
  ),
  "reader-failed": error("The director tries again. The log says how the reader process ended."),
  "ca-malformed": error("The file must hold the CA certificates as PEM."),
  "system-ca-missing": error(
    "Set `ca` to a CA bundle, or install the bundle of the system, e.g. the package ca-certificates.",
  ),
  "ca-expired": error("Replace it with the current CA certificate."),
  "ca-not-yet-valid": error("Wait until it is valid, or check the clock of this machine."),
  "crl-not-yet-valid": error("Wait until it is valid, or check the clock of this machine."),
  "crl-malformed": error("The file must hold one PEM revocation list (X509 CRL) of each CA."),
  "crl-expired": error("Install the current revocation list. Until then, every client is refused."),
  "crl-mismatch": error("The file must hold a revocation list of each CA in `ca`, and no others."),
  internal: error("Report it with the lines of the log around it."),
  "certificate-expiring": warning("Renew it, and replace its files."),
  "intermediate-expired": warning(
    "Replace it in the chain file with the current certificate of the CA, or clients may refuse the chain.",
  ),
  "pem-not-used": warning(
    "Remove it, or replace it with a PEM block that the director reads from this file.",
  ),
  "key-usage": warning(
    "Have it issued again for a TLS server, with digitalSignature in its key usage and serverAuth in its extended key usage.",
  ),
  "chain-large": warning(
    "Distribute the names over several certificates, and remove roots from the chain.",
  ),
  "chain-order": warning("Put each certificate directly before the certificate of its issuer."),
  "chain-incomplete": warning(
    "Add the certificate of the issuer to the chain file, after the certificates that are in it.",
  ),
  "root-in-chain": warning(
    "Remove it from the chain file. Clients trust only the roots that they have.",
  ),
  "key-costly": warning(
    "Have a certificate issued for a key on P-256, or for an RSA key of 2048 or 3072 bits if old clients need one.",
  ),
  "validity-too-long": warning(
    "Have it issued again for a shorter time. Browsers refuse certificates of public CAs that are valid for longer.",
  ),
  "fewer-names": error("Have it issued for all names, or allow it with --allow-fewer-names."),
  "other-key-type": error(
    "Import it under a name of its own, beside this one, or allow it with --allow-other-key-type.",
  ),
  "weaker-key": error("Have it issued for a stronger key, or allow it with --allow-weaker-key."),
  "expires-earlier": warning("Check that it is the newest one."),
  "last-good-served": warning("Put a certificate and its key into the files that can be used."),
  "last-good-unusable": warning(
    "Put a certificate and its key into the files that can be used. The director has no other version.",
  ),
  "too-many-versions": error(
    "Remove those that are not needed with `tlsd remove certificate-version`.",
  ),
  "no-active-version": error(
    "Import it with `tlsd import certificate`. `tlsd show certificate` lists the versions that are kept.",
  ),
  "not-looked-up": warning("The director that serves the document checks it."),
  "master-key-wrong": error(
    "Put the right master key at the place of director.masterKey, and run `tlsd set master-key`.",
  ),
  "sealed-key-damaged": error("Import the certificate again, or restore the state from a backup."),
  "no-server": warning("Add a server to `servers`."),
  "client-auth-by-name": warning(
    "Give the name endpoints of its own with `profile` or `to`, or require client certificates in the policy of the listener too.",
  ),
  "unused-certificate": warning(
    "Remove it, or add its name to the `certificates` or the `endpointTls` of a listener.",
  ),
  "vnic-without-listeners": warning("Add a listener, or remove the vNIC."),
  "address-not-local": warning(
    "Add the address to an interface with `ip address add`. The vNIC then comes up by itself.",
  ),
  "wildcard-virtual-ip": warning("Give the vNIC an address of its own."),
  "ca-without-root": warning("Add the root CA to the file."),
  "timeout-above-interval": warning("Set `timeout` to at most `interval`, or a longer `interval`."),
  "not-used": warning("Remove it, or add the setting that uses it."),
  "not-enforced-yet": warning(
    "The setting is stored and shown, but has no effect in this version.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
export type ProblemCode = keyof typeof PROBLEMS;

/** A place in a text file. Both count from 1; a column is a UTF-16 code unit. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export const problemOf = (
  code: ProblemCode,
  path: string,
  message: string,
  hint: string = PROBLEMS[code].hint,
): Problem => ({ path, code, message, hint, severity: PROBLEMS[code].severity });

/** Returns true if the problem is about the key at the end of its path, and not about the value of the key. */
export const isAboutKey = ({ code }: Problem): boolean =>
  code === "unknown-key" || code === "forbidden-key";

/** Two problems with the same key say the same of the same place, with whatever severity. */
export const problemKeyOf = ({ code, path, message }: Problem): string =>
  JSON.stringify([code, path, message]);

/** Returns true if problems with this code are always warnings. */
export const isAdvice = ({ code }: Problem): boolean =>
  (PROBLEMS as Readonly<Record<string, ProblemEntry>>)[code]?.severity === "warning";

export const isError = (problem: Problem): boolean => problem.severity === "error";

export const asWarning = (problem: Problem): Problem => ({ ...problem, severity: "warning" });

const PLAIN_KEY = /^[A-Za-z0-9_-]+$/;
/** The longest valid key is shorter, so no two keys have the same path. */
const MAX_KEY_LENGTH = 256;

/** Returns a path such as `profiles.shop.listeners[0]`. A key that is not plain is quoted: `certificates["*.a.b"]`. */
export function pathOf(...steps: readonly (string | number)[]): string {
  return steps.reduce<string>((path, step) => {
    if (typeof step === "number") return `${path}[${step}]`;
    if (!PLAIN_KEY.test(step)) return `${path}[${quoted(step, MAX_KEY_LENGTH)}]`;
    return path === "" ? step : `${path}.${step}`;
  }, "");
}

const STEP = /\.?([A-Za-z0-9_-]+)|\[\d+\]|\["(?:[^"\\]|\\.)*"\]/gy;

/**
 * Splits a path of `pathOf` into the paths of its steps: `a["*.b"][0]` has the steps `a`, `["*.b"]` and `[0]`. The list ends
 * before a key that was shortened.
 */
export const stepTextsOf = (path: string): readonly string[] =>
  [...path.matchAll(STEP)].map(([text, key]) => key ?? text);

const MAX_QUOTED_LENGTH = 80;

/**
 * Returns a value of the document in a form for messages: short and on one line. PEM is never included, because it can
 * be a private key.
 */
export function quoted(value: unknown, maxLength = MAX_QUOTED_LENGTH): string {
  const text = JSON.stringify(value) ?? "nothing";
  if (text.includes("-----BEGIN")) return "PEM text";
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

/** Returns the first texts and how many more there are: `a, b, and 3 more`. */
export const listed = (texts: readonly string[], most: number): string =>
  [
    ...texts.slice(0, most),
    ...(texts.length > most ? [`and ${texts.length - most} more`] : []),
  ].join(", ");
