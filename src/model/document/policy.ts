import Type from "typebox";
import { filePath } from "./marks.ts";
import {
  CIPHER_SUITES,
  CIPHER_SUITE_NAMES,
  GROUP_NAMES,
  tryCipherSuite,
  type GroupName,
} from "../tls/cipher-suites.ts";

export const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];
export const PRESET_NAMES = ["modern", "intermediate"] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

const CLIENT_AUTH_MODES = ["none", "request", "require"] as const;

const ClientAuthSchema = Type.Object(
  {
    mode: Type.Enum([...CLIENT_AUTH_MODES], {
      default: "none",
      description:
        "`none` does not ask for a client certificate; `request` asks for one and refuses an invalid one; `require` refuses clients without a valid one.",
    }),
    ca: Type.Optional(filePath("PEM file with the CAs that sign client certificates.")),
    crl: Type.Optional(
      filePath("PEM file with a certificate revocation list of each of these CAs."),
    ),
    partialChain: Type.Boolean({
      default: false,
      description:
        "Whether every certificate of `ca` is a trust anchor, also an intermediate CA or a client certificate (`-partial_chain` of OpenSSL). By default, a chain must end in a self-signed root of `ca`. It cannot be combined with `crl`.",
    }),
  },
  {
    additionalProperties: false,
    default: {},
    description: "Authentication of clients by certificate.",
  },
);

export const PolicySchema = Type.Object(
  {
    base: Type.Enum([...PRESET_NAMES], {
      default: "intermediate",
      description: "The preset that the policy is based on.",
    }),
    minVersion: Type.Optional(
      Type.Enum([...TLS_VERSIONS], {
        description: "Lowest TLS version. If it is not set, it is that of the base.",
      }),
    ),
    maxVersion: Type.Optional(
      Type.Enum([...TLS_VERSIONS], {
        description: "Highest TLS version. If it is not set, it is that of the base.",
      }),
    ),
    cipherSuites: Type.Optional(
      Type.Array(Type.Enum([...CIPHER_SUITE_NAMES]), {
        minItems: 1,
        maxItems: CIPHER_SUITE_NAMES.length,
        isUnique: true,
        description:
          "Cipher suites by their OpenSSL names, the preferred one first. If they are not set, they are those of the base. Engine bun always offers the three suites of TLS 1.3.",
      }),
    ),
    groups: Type.Optional(
      Type.Array(Type.Enum([...GROUP_NAMES]), {
        minItems: 1,
        maxItems: GROUP_NAMES.length,
        isUnique: true,
        description:
          "Key exchange groups, the preferred one first. If they are not set, they are those of the base.",
      }),
    ),
    alpn: Type.Array(Type.String({ minLength: 1, maxLength: 64, pattern: "^[\\x21-\\x7e]+$" }), {
      maxItems: 16,
      isUnique: true,
      default: [],
      description:
        "Application protocols, the preferred one first (RFC 7301). If the list is empty, the director does not answer ALPN.",
    }),
    clientAuth: ClientAuthSchema,
    tickets: Type.Boolean({
      default: true,
      description: "Whether clients can resume sessions with tickets.",
    }),
  },
  {
    additionalProperties: false,
    description: "A TLS policy: a preset, and the settings that differ from it.",
  },
);
export type Policy = Type.Static<typeof PolicySchema>;
export type ClientAuthMode = (typeof CLIENT_AUTH_MODES)[number];

/** A policy with a value for every setting, without the contents of files. */
export interface ResolvedPolicy {
  readonly name: string;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  readonly cipherSuites: readonly string[];
  readonly groups: readonly GroupName[];
  readonly alpn: readonly string[];
  readonly tickets: boolean;
}

const suitesOf = (version: TlsVersion): readonly string[] =>
  CIPHER_SUITES.filter((entry) => entry.version === version).map(({ name }) => name);

const SHARED = {
  groups: ["X25519MLKEM768", "X25519", "P-256", "P-384"],
  alpn: [],
  tickets: true,
} as const;

/** The profiles modern and intermediate of Mozilla's server-side TLS guideline, without DHE. */
export const PRESETS: Readonly<Record<PresetName, ResolvedPolicy>> = {
  modern: {
    name: "modern",
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    cipherSuites: suitesOf("TLSv1.3"),
    ...SHARED,
  },
  intermediate: {
    name: "intermediate",
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    cipherSuites: [...suitesOf("TLSv1.3"), ...suitesOf("TLSv1.2")],
    ...SHARED,
  },
};

export const isPresetName = (name: string): name is PresetName =>
  (PRESET_NAMES as readonly string[]).includes(name);

/** Returns the preset that the policy is based on, with the settings that the policy sets. */
export function resolvePolicy(name: string, policy: Policy): ResolvedPolicy {
  const base = PRESETS[policy.base];
  const minVersion = policy.minVersion ?? base.minVersion;
  const maxVersion = policy.maxVersion ?? base.maxVersion;
  const isOffered = (suite: string): boolean => {
    const version = tryCipherSuite(suite)?.version;
    return version !== undefined && version >= minVersion && version <= maxVersion;
  };
  return {
    name,
    minVersion,
    maxVersion,
    cipherSuites: policy.cipherSuites ?? base.cipherSuites.filter(isOffered),
    groups: policy.groups ?? base.groups,
    alpn: policy.alpn,
    tickets: policy.tickets,
  };
}

/** Returns the preset or the policy of the document with that name, or undefined. */
export function tryPolicy(
  policies: Readonly<Record<string, Policy>>,
  name: string,
): ResolvedPolicy | undefined {
  if (isPresetName(name)) return PRESETS[name];
  const policy = Object.hasOwn(policies, name) ? policies[name] : undefined;
  return policy === undefined ? undefined : resolvePolicy(name, policy);
}
