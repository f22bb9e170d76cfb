import { createHash, type X509Certificate } from "node:crypto";
import { createSecureContext, getCACertificates } from "node:tls";
import type { Problem } from "#model/failure.ts";
import type { MaterialId } from "#model/names.ts";
import { certificateFieldsOf, subjectOf } from "./certificate-fields.ts";
import { checkRevocationLists } from "./check-revocation-lists.ts";
import { checkTrustSettings } from "./check-trust-settings.ts";
import { checkClosed, isRefusal, parseCertificates } from "./parse-certificates.ts";
import { isCertificateBlock, isRevocationBlock, parsePem, type PemBlock } from "./pem-blocks.ts";
import { sourceProblem } from "./source-problem.ts";
import type { TrustValidity, TrustVersion } from "./sources.ts";
import { firstUnusedOf, tryConversionHint, unusedBlockWarnings } from "./unused-blocks.ts";

/** Contents of files, read as Latin-1. */
export interface TrustTexts {
  readonly ca: string;
  readonly crl: string | undefined;
}

/** The paths of the settings in the document. */
export interface TrustPlaces {
  readonly ca: string;
  readonly crl: string;
}

export interface ParsedTrust {
  readonly version: Omit<TrustVersion, "files">;
  readonly warnings: readonly Problem[];
}

/** Checks a CA bundle and the revocation lists of its CAs. May take unlimited time for hostile files. Throws SourceProblem. */
export function parseTrust(texts: TrustTexts, places: TrustPlaces): ParsedTrust {
  const caFile = parsePem(texts.ca);
  const authorities = parseCertificates(caFile, places.ca, "ca-malformed");
  checkTrustSettings(caFile.blocks, places.ca);
  const periods = periodsOf(authorities, places.ca);
  const lists =
    texts.crl === undefined ? undefined : parseLists(texts.crl, places.crl, authorities);
  const caPem = authorities.map((entry) => entry.toString()).join("");
  proveUsable(caPem, lists?.crlPem, places);
  const unrootedCa = tryUnrootedCa(authorities);
  const version = {
    ...trustVersionOf(caPem, lists?.crlPem, { authorities: periods, lists: lists?.due ?? [] }),
    ...(unrootedCa === undefined ? {} : { unrootedCa }),
  };
  const isOneFile = texts.ca === texts.crl;
  const isUsed = (block: PemBlock): boolean =>
    isCertificateBlock(block) || (isOneFile && isRevocationBlock(block));
  const caWarnings = unusedBlockWarnings(caFile, isUsed, places.ca);
  // The warnings about a file that holds CA certificates and lists are those above.
  return { version, warnings: [...caWarnings, ...(isOneFile ? [] : (lists?.warnings ?? []))] };
}

/** Returns every CA that OpenSSL finds on the system, as PEM. Returns undefined if there is none. */
export function readSystemAuthorities(): ParsedTrust["version"] | undefined {
  const authorities = new Set(getCACertificates("system").map((pem) => `${pem.trim()}\n`));
  return authorities.size === 0
    ? undefined
    : trustVersionOf([...authorities].join(""), undefined, { authorities: [], lists: [] });
}

function trustVersionOf(
  caPem: string,
  crlPem: string | undefined,
  validity: TrustValidity,
): ParsedTrust["version"] {
  const hash = createHash("sha256")
    .update(caPem)
    .update(crlPem ?? "");
  return {
    id: hash.digest("hex") as MaterialId,
    material: { kind: "trust", caPem, crlPem },
    validity,
  };
}

function periodsOf(
  authorities: readonly X509Certificate[],
  place: string,
): TrustValidity["authorities"] {
  const periods = authorities.flatMap((authority) => {
    const { notBeforeMs, notAfterMs } = certificateFieldsOf(authority);
    return notBeforeMs === undefined || notAfterMs === undefined
      ? []
      : [{ notBeforeMs, notAfterMs }];
  });
  if (periods.length > 0) return periods;
  const message = "No CA certificate of the file has a valid period of validity.";
  throw sourceProblem("ca-malformed", place, message);
}

/**
 * Returns the subject of the first CA that is neither self-signed nor issued by one of `authorities`, or undefined if there is
 * none. A cross-signed CA may be in the bundle twice. It needs the issuer of one of these certificates only.
 */
function tryUnrootedCa(authorities: readonly X509Certificate[]): string | undefined {
  const bySubject = Map.groupBy(authorities, ({ subject }) => subject);
  const hasIssuer = (authority: X509Certificate): boolean =>
    authority.issuer === authority.subject ||
    (bySubject.get(authority.issuer) ?? []).some((issuer) => authority.checkIssued(issuer));
  const found = authorities.find(({ subject }) => !bySubject.get(subject)?.some(hasIssuer));
  return found === undefined ? undefined : subjectOf(found.raw).text;
}

function parseLists(
  text: string,
  place: string,
  authorities: readonly X509Certificate[],
): {
  readonly crlPem: string;
  readonly due: TrustValidity["lists"];
  readonly warnings: readonly Problem[];
} {
  const file = parsePem(text);
  checkClosed(file, place, "crl-malformed");
  const lists = file.blocks.filter(isRevocationBlock);
  if (lists.length === 0) {
    const message = `There is no PEM revocation list in the file.${firstUnusedOf(file, isRevocationBlock)}`;
    throw sourceProblem("crl-malformed", place, message, tryConversionHint(file, "crl"));
  }
  const due = checkRevocationLists(lists, authorities, place);
  return {
    due,
    crlPem: lists.map(({ pem }) => pem).join(""),
    warnings: unusedBlockWarnings(file, isRevocationBlock, place),
  };
}

function proveUsable(ca: string, crl: string | undefined, places: TrustPlaces): void {
  try {
    createSecureContext({ ca });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const message = "The TLS library does not accept the CA certificates.";
    throw sourceProblem("ca-malformed", places.ca, message);
  }
  if (crl === undefined) return;
  try {
    createSecureContext({ ca, crl });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const message = "The TLS library does not accept the revocation list.";
    throw sourceProblem("crl-malformed", places.crl, message);
  }
}
