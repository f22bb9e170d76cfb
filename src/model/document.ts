import Type from "typebox";
import { CertificateSchema } from "./certificate.ts";
import { NAME_PATTERN } from "./names.ts";
import { PolicySchema } from "./policy.ts";
import { ProfileSchema } from "./profile.ts";
import { ServerSchema } from "./server.ts";
import { DURATION_PATTERN, SIZE_PATTERN } from "./units.ts";

const auto = (maximum: number, description: string) =>
  Type.Union([Type.Literal("auto"), Type.Integer({ minimum: 1, maximum })], {
    default: "auto",
    description,
  });

const systemUser = (value: string, description: string) =>
  Type.String({ pattern: "^[a-z_][a-z0-9_-]{0,31}$", default: value, description });

/** Start-up settings: from the file and the command line only, never set over the API. */
export const DirectorSettingsSchema = Type.Object(
  {
    data: Type.String({
      default: "data",
      minLength: 1,
      description: "Folder of the state, and of admin socket and lock unless `runtime` is given.",
    }),
    runtime: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "Folder of the admin socket, the lock and the record of workers. When absent it is `data`, or, where that cannot be written to, the first that can of $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/tlsd and /run/tlsd.",
      }),
    ),
    observe: Type.Optional(
      Type.String({
        description:
          "`address:port` for /metrics, /healthz and /readyz without a token. Off when absent.",
      }),
    ),
    workers: auto(64, "Worker processes. `auto` is one a CPU core."),
    engine: Type.Enum(["bun", "node", "auto"], {
      default: "auto",
      description:
        "The runtime of the workers. `auto` is bun where its binary is there, else node.",
    }),
    wire: Type.Enum(["portable", "native"], {
      default: "native",
      description:
        "What workers on Bun build connections on: `native` is Bun's own sockets, `portable` is node:net and node:tls, which cost more. Where the engine has no such sockets, as on Node, it is portable.",
    }),
    maxConnections: auto(
      10_000_000,
      "Open connections of all vNICs. `auto` is what the open-file limit allows.",
    ),
    relayMemory: Type.String({
      pattern: SIZE_PATTERN,
      default: "512MiB",
      description: "What one worker may buffer between clients and endpoints in all.",
    }),
    drain: Type.String({
      pattern: DURATION_PATTERN,
      default: "30s",
      description: "How long open connections may go on when the director stops.",
    }),
    orphanGrace: Type.String({
      pattern: DURATION_PATTERN,
      default: "60s",
      description: "How long workers go on serving when the control process is gone.",
    }),
    paths: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: "Folders that paths which come over the API must lie under.",
    }),
    user: systemUser(
      "tlsd",
      "What the control process runs as when it is started as root and the user exists.",
    ),
    workerUser: systemUser(
      "tlsd-worker",
      "What the workers run as when the director is started as root: a user of their own. Where it does not exist they run as `nobody`.",
    ),
  },
  { additionalProperties: false, default: {}, description: "Start-up settings." },
);
export type DirectorSettings = Type.Static<typeof DirectorSettingsSchema>;

const named = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Record(Type.String({ pattern: NAME_PATTERN }), schema, {
    additionalProperties: false,
    default: {},
    description,
  });

/** The whole configuration. The same shape is read from YAML and JSON. */
export const DocumentSchema = Type.Object(
  {
    director: DirectorSettingsSchema,
    servers: named(ServerSchema, "Servers by name."),
    profiles: named(ProfileSchema, "Profiles by name."),
    certificates: named(CertificateSchema, "Certificates by name."),
    policies: named(PolicySchema, "TLS policies by name, besides `modern` and `intermediate`."),
  },
  { additionalProperties: false, description: "The document of a director." },
);
export type Document = Type.Static<typeof DocumentSchema>;

/** A document counts its revisions from 1. */
export type Revision = number;
