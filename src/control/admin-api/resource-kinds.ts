import type { TSchema } from "typebox";
import { CertificateSchema } from "#model/document/certificate.ts";
import { ListenerSchema } from "#model/document/listener.ts";
import { PolicySchema } from "#model/document/policy.ts";
import { ProfileSchema } from "#model/document/profile.ts";
import type { ResourceKind } from "#model/document/resources.ts";
import { ServerSchema } from "#model/document/server.ts";
import { VnicSchema } from "#model/document/vnic.ts";
import { DirectorError } from "#model/failure.ts";
import type { JsonMap } from "#model/json.ts";
import { quoted } from "#model/problem.ts";

export interface KindFacts {
  /** The kind in the singular, as operators call it. */
  readonly noun: string;
  readonly schema: TSchema;
  readonly example: JsonMap;
  readonly patch: JsonMap;
  readonly nameExample: string;
}

export const KINDS: Readonly<Record<ResourceKind, KindFacts>> = {
  servers: {
    noun: "server",
    schema: ServerSchema,
    example: { address: "127.0.0.1" },
    patch: { address: "127.0.0.2" },
    nameExample: "web-1",
  },
  profiles: {
    noun: "profile",
    schema: ProfileSchema,
    example: { servers: ["web-1"] },
    patch: { balance: "least-connections" },
    nameExample: "shop",
  },
  vnics: {
    noun: "vNIC",
    schema: VnicSchema,
    example: { ip: "127.0.1.10" },
    patch: { admin: "down" },
    nameExample: "front.shop",
  },
  listeners: {
    noun: "listener",
    schema: ListenerSchema,
    example: { port: 8080, mode: "redirect", to: 8443 },
    patch: { accessLog: "full" },
    nameExample: "front.shop:8080",
  },
  certificates: {
    noun: "certificate",
    schema: CertificateSchema,
    example: { chain: "certs/shop.pem", key: "certs/shop.key" },
    patch: { passphrase: null },
    nameExample: "shop",
  },
  policies: {
    noun: "policy",
    schema: PolicySchema,
    example: { base: "modern" },
    patch: { base: "intermediate" },
    nameExample: "partners",
  },
};

/** Returns the failure of a request for a resource that does not exist. */
export const absentResource = (kind: ResourceKind, name: string): DirectorError =>
  new DirectorError("not-found", `There is no ${KINDS[kind].noun} named ${quoted(name)}.`);

/** Returns the name of an operation on one or all resources of a kind, e.g. `putVnic`. */
export const operationOf = (verb: string, noun: string): string =>
  `${verb}${noun.charAt(0).toUpperCase()}${noun.slice(1).toLowerCase()}`;
