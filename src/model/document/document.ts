import Type from "typebox";
import { CERTIFICATE_NAME_PATTERN } from "./certificate-name.ts";
import { CertificateSchema } from "./certificate.ts";
import { rememberPartsOf } from "./conform.ts";
import { NAME_PATTERN } from "../names.ts";
import { PolicySchema } from "./policy.ts";
import { ProfileSchema } from "./profile.ts";
import { ServerSchema } from "./server.ts";
import { VnicSchema } from "./vnic.ts";
import { DURATION_PATTERN, SIZE_PATTERN } from "../units.ts";

const auto = (maximum: number, description: string) =>
  Type.Union([Type.Literal("auto"), Type.Integer({ minimum: 1, maximum })], {
    default: "auto",
    description,
  });

const systemUser = (value: string, description: string) =>
  Type.String({ pattern: "^[a-z_][a-z0-9_-]{0,31}$", default: value, description });

/** Start-up settings. They come from the file and the command line only, and cannot be set over the API. */
const masterKey = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        file: Type.Optional(
          Type.String({
            minLength: 1,
            description: "File with the key, which only its owner may have access to (mode 0600).",
          }),
        ),
        command: Type.Optional(
          Type.Array(Type.String({ minLength: 1 }), {
            minItems: 1,
            maxItems: 64,
            description:
              "Absolute path of a program that prints the key, and its arguments. It runs as the user of the control process, without a shell, and has 10 s.",
          }),
        ),
        credential: Type.Optional(
          Type.String({
            pattern: "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$",
            description:
              "Name of a credential that systemd passes to the director (LoadCredential=).",
          }),
        ),
      },
      { additionalProperties: false, description },
    ),
  );

export const DirectorSettingsSchema = Type.Object(
  {
    data: Type.String({
      default: "data",
      minLength: 1,
      description:
        "Folder of the state. It also holds the admin socket and the lock, unless `runtime` is set.",
    }),
    runtime: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "Folder of the admin socket, the lock and the record of workers. If it is not set, it is `data`. If `data` cannot be written to, it is the first of $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/tlsd and /run/tlsd that can.",
      }),
    ),
    observe: Type.Optional(
      Type.String({
        description:
          "Address and port on which /metrics, /healthz and /readyz are served without a token. If it is not set, only the admin socket serves them.",
      }),
    ),
    workers: auto(64, "Number of worker processes. `auto` is one per CPU core."),
    engine: Type.Enum(["bun", "node", "auto"], {
      default: "auto",
      description:
        "The runtime of the workers. `auto` is bun if its binary is installed, otherwise node.",
    }),
    wire: Type.Enum(["portable", "native"], {
      default: "native",
      description:
        "The sockets of workers on Bun: `native` is Bun's own sockets, `portable` is node:net and node:tls, which need more CPU time. Workers on Node are always portable.",
    }),
    maxConnections: auto(
      10_000_000,
      "How many connections all vNICs together may have open. `auto` is what the open-file limit allows.",
    ),
    relayMemory: Type.String({
      pattern: SIZE_PATTERN,
      default: "512MiB",
      description: "How much one worker may buffer between clients and endpoints in total.",
    }),
    drain: Type.String({
      pattern: DURATION_PATTERN,
      default: "30s",
      description: "How long open connections may continue when the director stops.",
    }),
    orphanGrace: Type.String({
      pattern: DURATION_PATTERN,
      default: "60s",
      description: "How long workers continue to serve after the control process has ended.",
    }),
    paths: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description:
          "The folders in which the files and unix sockets must be that a change over the API refers to. If it is not set, it is the folder of the document. What the document itself refers to can be anywhere.",
      }),
    ),
    endpoints: Type.Object(
      {
        allow: Type.Array(Type.String(), {
          maxItems: 64,
          default: [],
          description:
            "CIDRs of loopback addresses that an endpoint may have which is set over the API, e.g. 127.0.0.0/8. The file can set any. Link-local addresses are never allowed over the API.",
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description: "Which endpoints can be set over the API.",
      },
    ),
    user: systemUser(
      "tlsd",
      "The user that the control process runs as, if it is started as root and the user exists.",
    ),
    masterKey: masterKey(
      "Where the master key is, which opens the private keys that the director keeps: a file, a command or a credential. The key is base64 of 32 random bytes. If it is not set, the key is in the file `master.key` in a folder beside `data` whose name ends in `-key`, and it is made when the first key is sealed.",
    ),
    previousMasterKey: masterKey(
      "Where the master key before is, while `tlsd set master-key` changes to `masterKey`.",
    ),
    workerUser: systemUser(
      "tlsd-worker",
      "The user that the workers run as, if the director is started as root. No other program should use it. If it does not exist, the workers run as `nobody`.",
    ),
  },
  { additionalProperties: false, default: {}, description: "Start-up settings." },
);
export type DirectorSettings = Type.Static<typeof DirectorSettingsSchema>;

const named = <Schema extends Type.TSchema>(
  schema: Schema,
  description: string,
  pattern = NAME_PATTERN,
) =>
  Type.Record(Type.String({ pattern }), schema, {
    additionalProperties: false,
    default: {},
    description,
  });

/** The whole configuration. YAML and JSON documents have the same structure. */
export const DocumentSchema = Type.Object(
  {
    director: DirectorSettingsSchema,
    servers: named(ServerSchema, "Servers by name."),
    profiles: named(ProfileSchema, "Profiles by name."),
    certificates: named(
      CertificateSchema,
      "Certificates by name, e.g. `shop` or `*.shop.example`.",
      CERTIFICATE_NAME_PATTERN,
    ),
    policies: named(PolicySchema, "TLS policies by name, besides `modern` and `intermediate`."),
  },
  { additionalProperties: false, description: "The document of a director." },
);
export type Document = Type.Static<typeof DocumentSchema>;

/**
 * The sections of a document and their parts. They never change: a change replaces the parts that it touches, and the new document has
 * the others in common with the document before. So what is computed from one part alone is computed once.
 */
const PARTS: readonly Type.TSchema[] = [
  ...Object.values(DocumentSchema.properties),
  ServerSchema,
  ProfileSchema,
  VnicSchema,
  CertificateSchema,
  PolicySchema,
];
PARTS.forEach(rememberPartsOf);

/** The number of a revision of the document, from 1. */
export type Revision = number;
