/** Schemas of what the admin API replies. A key of a shape that is missing here does not compile. */
import Type, { type TSchema } from "typebox";
import type { CertificateFacts } from "#model/document/certificate.ts";
import { LISTENER_MODES } from "#model/listener-mode.ts";
import type { FailureShape, Problem } from "#model/failure.ts";
import type {
  CertificateStatus,
  DirectorStatus,
  ListenerStatus,
  ReloadResult,
  VnicStatus,
  WorkerStatus,
} from "#model/records/status.ts";

/** An object with exactly the keys of `Shape`. */
// The shape is named by the caller, so that a schema which misses one of its keys is an error there.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export const shape = <Shape extends object>(
  properties: { readonly [Key in keyof Required<Shape>]: TSchema },
  description: string,
) => Type.Object({ ...properties }, { additionalProperties: false, description });

export const text = (description: string) => Type.String({ description });
export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const choice = (values: readonly string[], description: string) =>
  Type.Enum([...values], { description });
export const texts = (description: string) => Type.Array(Type.String(), { description });

const ENGINES = ["bun", "node"];
const STATES = ["starting", "serving", "draining"];
const UP_OR_DOWN = ["up", "down"];

export const WorkerStatusSchema = shape<WorkerStatus>(
  {
    id: count("Number of the worker. A director never reuses it."),
    pid: count("Process id; 0 before it runs."),
    engine: choice(ENGINES, "The runtime it runs on."),
    runtime: text("Version of the runtime and its TLS library."),
    state: choice(STATES, "Its state."),
    snapshot: count("Number of the snapshot that it serves; 0 before the first."),
    openConnections: count("Connections open now."),
    residentBytes: count("Resident memory."),
    loopDelayMs: Type.Number({ description: "How late its last heartbeat was." }),
    startedAt: text("Time of the start, ISO 8601."),
  },
  "A worker.",
);

export const ListenerStatusSchema = shape<ListenerStatus>(
  {
    name: text("`<vnic>.<profile>:<port>`"),
    port: count("Port on the virtual IP."),
    mode: choice(LISTENER_MODES, "What it does with a connection."),
    to: text("Where connections go, as in the document."),
    policy: text("Name of the TLS policy. Empty if the mode has none."),
    certificates: texts("Names of its certificates, the default first."),
    openConnections: count("Connections open now."),
  },
  "A listener.",
);

export const VnicStatusSchema = shape<VnicStatus>(
  {
    name: text("`<vnic>.<profile>`"),
    profile: text("The profile that owns it."),
    ip: text("The virtual IP."),
    admin: choice(UP_OR_DOWN, "The state that the operator asked for."),
    oper: choice(UP_OR_DOWN, "The actual state."),
    servers: texts("The servers that the profile lives on."),
    listeners: Type.Array(ListenerStatusSchema, { description: "Its listeners." }),
  },
  "A vNIC.",
);

const CertificateFactsSchema = shape<CertificateFacts>(
  {
    names: texts("DNS names that it covers."),
    keyType: choice(["ecdsa", "rsa", "ed25519"], "Type of the key."),
    subject: text("Distinguished name of the subject."),
    issuer: text("Distinguished name of the issuer."),
    serialNumber: text("Serial number, hex."),
    fingerprint: text("SHA-256 of the certificate, hex."),
    notBeforeMs: Type.Number({ description: "Milliseconds since the epoch." }),
    notAfterMs: Type.Number({ description: "Milliseconds since the epoch." }),
  },
  "The public facts of a certificate.",
);

export const CertificateStatusSchema = shape<CertificateStatus>(
  {
    name: text("Name in the document."),
    source: choice(["files"], "Where the certificate comes from."),
    facts: CertificateFactsSchema,
    state: choice(
      ["ok", "refused"],
      "`refused` if newer files cannot be served, and an older version is served.",
    ),
    problem: Type.Optional(text("Why the newer files are refused.")),
  },
  "A certificate and the version of it that is served.",
);

export const DirectorStatusSchema = shape<DirectorStatus>(
  {
    version: text("Version of the program."),
    state: choice(STATES, "What it does now."),
    engine: choice(ENGINES, "The runtime of the workers."),
    pid: count("Process id of the control process."),
    startedAt: text("Time of the start, ISO 8601."),
    revision: count("Revision of the document in force."),
    changedAt: text("Time of the last change that was applied, ISO 8601."),
    lastRefusal: Type.Optional(text("Why the last change was refused.")),
    workers: Type.Object({
      wanted: count("How many workers there should be."),
      serving: count("How many workers serve."),
    }),
    openConnections: count("Connections open now."),
    certificates: Type.Array(CertificateStatusSchema, { description: "Every certificate." }),
    notices: texts("Conditions that an operator should act on."),
  },
  "The director.",
);

export const ReloadResultSchema = shape<ReloadResult>(
  {
    revision: count("Revision of the document in force."),
    changed: Type.Boolean({ description: "False if nothing differed from what was in force." }),
  },
  "The result of reading the document again.",
);

const ProblemSchema = shape<Problem>(
  {
    path: text("Dotted path in the document."),
    code: text("What kind of problem it is."),
    message: text("The problem in a sentence."),
    hint: text("What to do next."),
    severity: choice(["error", "warning"], "A warning does not make the document invalid."),
  },
  "One thing that is wrong in a document.",
);

export const FailureSchema = shape<FailureShape>(
  {
    code: text("Code of the failure catalogue."),
    message: text("The failure in a sentence."),
    hint: text("What to do next."),
    path: Type.Optional(text("Dotted path in the document.")),
    problems: Type.Optional(Type.Array(ProblemSchema)),
  },
  "A failure.",
);
