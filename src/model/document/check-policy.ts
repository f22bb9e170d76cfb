import { isTls13Group, tryCipherSuite } from "../tls/cipher-suites.ts";
import type { Problem } from "../failure.ts";
import { checkUnique } from "./mode-rules.ts";
import { isPresetName, PRESETS, resolvePolicy, TLS_VERSIONS, type Policy } from "./policy.ts";
import { pathOf, problemOf } from "../problem.ts";

export function checkPolicy(name: string, policy: Policy): readonly Problem[] {
  const path = pathOf("policies", name);
  const problems = [
    ...checkVersions(path, policy),
    ...checkGroups(path, policy),
    ...checkClientAuth(path, policy),
    ...checkUnique(`${path}.cipherSuites`, policy.cipherSuites ?? []),
    ...checkUnique(`${path}.groups`, policy.groups ?? []),
    ...checkUnique(`${path}.alpn`, policy.alpn),
  ];
  if (isPresetName(name)) {
    problems.push(problemOf("preset-name", path, `\`${name}\` is a preset and cannot be changed.`));
  }
  return problems;
}

function checkVersions(path: string, policy: Policy): readonly Problem[] {
  const { minVersion, maxVersion } = resolvePolicy("", policy);
  if (minVersion > maxVersion) {
    const key = policy.maxVersion === undefined ? "minVersion" : "maxVersion";
    const message = `minVersion ${minVersion} is above maxVersion ${maxVersion}.`;
    return [problemOf("bad-versions", `${path}.${key}`, message)];
  }
  const suites = policy.cipherSuites;
  if (suites === undefined) return checkBaseSuites(path, policy);
  const allowed = TLS_VERSIONS.filter((version) => version >= minVersion && version <= maxVersion);
  const versionOf = (suite: string): string | undefined => tryCipherSuite(suite)?.version;
  return [
    ...suites.flatMap((suite, index) => {
      if (allowed.some((version) => version === versionOf(suite))) return [];
      const message = `${suite} is a suite of ${versionOf(suite)}, which the policy does not allow.`;
      return [problemOf("suite-without-version", `${path}.cipherSuites[${index}]`, message)];
    }),
    ...allowed.flatMap((version) => {
      if (suites.some((suite) => versionOf(suite) === version)) return [];
      const message = `The policy allows ${version} but lists no suite for it.`;
      return [problemOf("version-without-suite", `${path}.cipherSuites`, message)];
    }),
  ];
}

/** A base that has only TLS 1.3 has no suites for a policy that also allows TLS 1.2. */
function checkBaseSuites(path: string, policy: Policy): readonly Problem[] {
  const { minVersion } = resolvePolicy("", policy);
  if (minVersion >= PRESETS[policy.base].minVersion) return [];
  const message = `The policy allows ${minVersion}, but its base ${policy.base} has no suites for it.`;
  const hint = "Set `base: intermediate`, or list the suites in `cipherSuites`.";
  return [problemOf("version-without-suite", `${path}.minVersion`, message, hint)];
}

function checkGroups(path: string, policy: Policy): readonly Problem[] {
  const { minVersion, groups } = resolvePolicy("", policy);
  if (minVersion >= "TLSv1.3" || !groups.every(isTls13Group)) return [];
  const message = `The policy allows ${minVersion} but lists no group for it.`;
  return [problemOf("version-without-group", `${path}.groups`, message)];
}

function checkClientAuth(path: string, { clientAuth }: Policy): Problem[] {
  const { mode, ca, crl, partialChain } = clientAuth;
  const place = `${path}.clientAuth`;
  const problems: Problem[] = [];
  if (mode !== "none" && ca === undefined) {
    problems.push(
      problemOf(
        "missing-key",
        `${place}.ca`,
        `Mode ${mode} needs the CAs that sign client certificates.`,
        "Add `ca` with the path of a PEM file.",
      ),
    );
  }
  if (crl !== undefined && ca === undefined) {
    const message = "A revocation list needs the CA that signed it.";
    problems.push(problemOf("missing-key", `${place}.crl`, message, "Add `ca`, or remove `crl`."));
  }
  if (mode === "none" && ca !== undefined) {
    const hint = "Set `mode: require` or `mode: request`, or remove `ca`.";
    problems.push(
      problemOf(
        "not-used",
        `${place}.ca`,
        "With mode none, clients are not asked for a certificate.",
        hint,
      ),
    );
  }
  if (mode === "none" && partialChain) {
    const message = "With mode none, no client certificate is verified.";
    const hint = "Set `mode: require` or `mode: request`, or remove `partialChain`.";
    problems.push(problemOf("not-used", `${place}.partialChain`, message, hint));
  }
  if (partialChain && crl !== undefined) {
    // OpenSSL and BoringSSL also require a list from the issuer of the trust anchor, and do not find that issuer in the
    // chain.
    const message =
      "Neither engine can check revocation lists for a chain that ends in an intermediate CA, so it would refuse the client.";
    problems.push(problemOf("crl-with-partial-chain", `${place}.partialChain`, message));
  }
  return problems;
}
