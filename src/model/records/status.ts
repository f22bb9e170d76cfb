/** The schemas and types of admin API replies that control process, CLI and tests share. */
import { SERVER_ADMINS } from "../document/server.ts";
import Type from "typebox";
import { CERTIFICATE_SOURCES, CertificateFactsSchema } from "../document/certificate.ts";
import { LISTENER_MODES } from "../listener-mode.ts";
import type { ListenerName, VnicName } from "../names.ts";
import { ProblemSchema } from "../failure-schema.ts";
import { AttentionSchema } from "./attention.ts";
import { CutStatusSchema } from "./cut-status.ts";
import { OptionalOrphans } from "./orphans-status.ts";
import { CHECK_FAILURE_NAMES } from "./outcome.ts";
import { count, oneOf, shape, text, texts, type ShapeOf } from "../shape.ts";

const ENGINES = ["bun", "node"] as const;
const STATES = ["starting", "serving", "draining"] as const;
const UP_OR_DOWN = ["up", "down"] as const;

export type Engine = (typeof ENGINES)[number];
export type WorkerState = (typeof STATES)[number];

export const WorkerStatusSchema = shape(
  {
    id: count("Number of the worker. A director never reuses it."),
    pid: count("Process id; 0 before it runs."),
    engine: oneOf(ENGINES, "The runtime it runs on."),
    runtime: text("Version of the runtime and its TLS library, e.g. `bun 1.4.5, BoringSSL`."),
    state: oneOf(STATES, "Its state."),
    snapshot: count("Number of the snapshot that it serves; 0 before the first."),
    openConnections: count("Connections open now."),
    residentBytes: count("Resident memory."),
    loopDelayMs: Type.Number({ description: "How late its last heartbeat was." }),
    startedAt: text("Time of the start, ISO 8601."),
  },
  "A worker.",
);
export type WorkerStatus = ShapeOf<typeof WorkerStatusSchema>;

const NameRouteStatusSchema = shape(
  {
    profile: text("The profile whose servers it leads to."),
    to: text("The port on the servers, or the unix socket, as in the document."),
    names: count("How many server names have it."),
    endpoints: texts("Its endpoints, including those on standby."),
  },
  "A route that some server names have in place of that of the listener.",
);

export const ListenerStatusSchema = shape(
  {
    name: Type.Unsafe<ListenerName>(text("`<vnic>.<profile>:<port>`")),
    port: count("Port on the virtual IP."),
    mode: oneOf(LISTENER_MODES, "What it does with a connection."),
    to: text("Where connections go, as in the document."),
    policy: text("Name of the TLS policy. Empty if the mode has none."),
    certificates: texts("Names of its certificates, the default first."),
    names: count("How many server names have an entry."),
    routes: Type.Array(NameRouteStatusSchema, {
      description: "The routes of server names that differ from that of the listener.",
    }),
    openConnections: count("Connections open now."),
    oper: oneOf(
      ["up", "impaired", "down"],
      "`down` if the listener cannot be served, `impaired` if clients may be refused.",
    ),
    reason: Type.Optional(
      text("Why its virtual IP, its certificates or its CA bundles keep it from being up."),
    ),
    remedy: Type.Optional(
      text("The command that adds the virtual IP. Absent unless this machine does not have it."),
    ),
  },
  "A listener.",
);
export type ListenerStatus = ShapeOf<typeof ListenerStatusSchema>;

const perSecond = (description: string) => Type.Number({ minimum: 0, description });

const VnicRatesSchema = shape(
  {
    connections: perSecond("Connections accepted."),
    handshakes: perSecond("TLS handshakes completed."),
    bytesFromClients: perSecond("Plaintext bytes from clients."),
    bytesToClients: perSecond("Plaintext bytes to clients."),
  },
  "Amounts a second, as the mean of the last ten seconds.",
);
export type VnicRates = ShapeOf<typeof VnicRatesSchema>;

export const VnicStatusSchema = shape(
  {
    name: Type.Unsafe<VnicName>(text("`<vnic>.<profile>`")),
    profile: text("The profile that owns it."),
    ip: text("The virtual IP."),
    admin: oneOf(UP_OR_DOWN, "The state that the operator asked for."),
    oper: oneOf(UP_OR_DOWN, "The actual state."),
    reason: Type.Optional(
      text(
        "Why it is down, if its virtual IP is the cause or no server of its profile may get new connections.",
      ),
    ),
    remedy: Type.Optional(
      text("The command that adds the virtual IP. Absent unless this machine does not have it."),
    ),
    servers: texts("The servers that the profile lives on."),
    endpointsUp: count("How many of its endpoints are up and may get new connections."),
    endpoints: count("How many endpoints its listeners have, including those on standby."),
    rates: VnicRatesSchema,
    listeners: Type.Array(ListenerStatusSchema, { description: "Its listeners." }),
  },
  "A vNIC.",
);
export type VnicStatus = ShapeOf<typeof VnicStatusSchema>;

export const SERVER_OPERS = ["up", "degraded", "failing", "down", "unknown"] as const;
export type ServerOper = (typeof SERVER_OPERS)[number];

const ServerErrorSchema = shape(
  {
    cause: oneOf(CHECK_FAILURE_NAMES, "Why an endpoint could not be used."),
    vnic: text("The vNIC whose check or connection failed."),
    endpoint: Type.Optional(text("The endpoint, if it was an active check.")),
    at: text("Time of the failure, ISO 8601."),
    text: text("The cause in a sentence."),
  },
  "A failure of an active check, or of an attempt to connect for a client.",
);

export const ServerStatusSchema = shape(
  {
    name: text("Name in the document."),
    address: text("Its address."),
    admin: oneOf(SERVER_ADMINS, "The state that the operator asked for."),
    oper: oneOf(
      SERVER_OPERS,
      "The actual state. By active checks of its endpoints, it is `down` if all fail, `degraded` if some fail, `up` if none fails, and `unknown` if nothing is checked or can be. If no check fails, but the last three attempts of a vNIC to connect for clients have, it is `failing`.",
    ),
    since: text("Time since when it is in this state, ISO 8601."),
    reason: Type.Optional(
      text(
        "Why it is `down`, `degraded` or `failing`, by the last check or attempt to connect that failed, or why the director cannot check it.",
      ),
    ),
    lastError: Type.Optional(ServerErrorSchema),
    openConnections: count("Connections to its endpoints that are open now."),
    orphans: OptionalOrphans,
    cutAt: Type.Optional(
      text(
        "Time at which its open connections are cut, ISO 8601: all if it was drained with a deadline, those of profiles that have left it if it was adopted with one.",
      ),
    ),
    connects: count("Connections established since the director started."),
    connectFailures: count("Attempts to connect that failed since the director started."),
    profiles: texts("The profiles that live on it, also on standby."),
    takenOverBy: texts("The standby servers that serve its profiles in place of their servers."),
  },
  "A server.",
);
export type ServerStatus = ShapeOf<typeof ServerStatusSchema>;

export const ProfileStatusSchema = shape(
  {
    name: text("Name in the document."),
    servedBy: oneOf(
      ["servers", "standby", "none"],
      "Which of its lists serves. It is `standby` from the time that no server could serve until the servers serve again, and `none` if the document lets no server of either list get new connections although a listener needs one.",
    ),
    since: Type.Optional(
      text(
        "Time since when that list serves, ISO 8601. Absent if the profile has no standby, or if neither list serves.",
      ),
    ),
    reason: Type.Optional(
      text(
        "Why the standby servers serve, and what the servers wait for if they are up again; or why no server serves.",
      ),
    ),
    isFlapping: Type.Boolean({
      description:
        "Whether its servers went up and down more than five times in five minutes. They then serve again only when they have been up for a minute.",
    }),
  },
  "A profile.",
);
export type ProfileStatus = ShapeOf<typeof ProfileStatusSchema>;

export const CertificateStatusSchema = shape(
  {
    name: text("Name in the document."),
    source: oneOf(CERTIFICATE_SOURCES, "Where the certificate comes from."),
    facts: Type.Optional(CertificateFactsSchema),
    state: oneOf(
      ["ok", "refused", "expired", "not-yet-valid", "unusable"],
      "`refused` if newer files cannot be used and an older version is served; `expired` or `not-yet-valid` if the version that is served is not valid now; `unusable` if there is none that can be served.",
    ),
    problem: Type.Optional(text("Why the state is not `ok`.")),
    warnings: Type.Optional(
      texts("What an operator should know about the version that is served, if there is anything."),
    ),
    attention: Type.Array(AttentionSchema, {
      description: "Why it needs attention, the most urgent reason first. Empty if it needs none.",
    }),
    uses: count("How many references of listeners to it the document has."),
  },
  "A certificate and the version of it that is served.",
);
export type CertificateStatus = ShapeOf<typeof CertificateStatusSchema>;

export const FILE_STATES = ["none", "in-force", "store-ahead", "file-ahead", "diverged"] as const;
/** How the file of the document stands to the document in force. */
export type FileState = (typeof FILE_STATES)[number];

const DocumentFileSchema = shape(
  {
    path: Type.Optional(text("Absolute path. Absent if the director was started without a file.")),
    state: oneOf(
      FILE_STATES,
      "`none`: there is no file. `in-force`: the file has the document in force. `store-ahead`: the document was changed since the file was applied. `file-ahead`: the file was changed and not applied. `diverged`: both were changed, in different ways.",
    ),
  },
  "The file of the document, and how it stood to the document in force when it was last read.",
);

export const DirectorStatusSchema = shape(
  {
    version: text("Version of the program."),
    state: oneOf(STATES, "What it does now."),
    engine: oneOf(ENGINES, "The runtime of the workers."),
    pid: count("Process id of the control process, not of a worker."),
    startedAt: text("Time of the start, ISO 8601."),
    revision: count("Revision of the document in force."),
    file: DocumentFileSchema,
    changedAt: text("Time of the last change that was applied, ISO 8601."),
    lastRefusal: Type.Optional(text("Why the last change was refused. Absent if it was applied.")),
    workers: shape(
      {
        wanted: count("How many workers there should be."),
        serving: count("How many workers serve."),
      },
      "How many workers there are.",
    ),
    openConnections: count("Connections open now."),
    orphans: OptionalOrphans,
    cuts: Type.Array(CutStatusSchema, {
      description: "The deadlines at which open connections are cut, the next one first.",
    }),
    certificates: Type.Array(CertificateStatusSchema, { description: "Every certificate." }),
    warnings: Type.Array(ProblemSchema, {
      description:
        "What the document and its files in force should not have. Nothing is refused because of it.",
    }),
    profilesOnStandby: Type.Array(ProfileStatusSchema, {
      description: "The profiles that standby servers serve.",
    }),
    notices: texts("Conditions that an operator should act on, e.g. a missing privilege boundary."),
  },
  "The director.",
);
export type DirectorStatus = ShapeOf<typeof DirectorStatusSchema>;
