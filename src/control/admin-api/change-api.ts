import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { restoreSecrets, type FingerprintOf } from "#model/document/secrets.ts";
import { DocumentSchema } from "#model/document/document.ts";
import { partsOf } from "#model/document/document-parts.ts";
import type { ResourceKind } from "#model/document/resources.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap, type JsonMap } from "#model/json.ts";
import type { ListenerName } from "#model/names.ts";
import type { Author } from "#model/records/revision.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { Remembered } from "#model/remembered.ts";
import type {
  ChangePlan,
  ChangeRequest,
  ChangeResult,
  StateInForce,
} from "#control/change/change.ts";
import type { CutTerm } from "#control/change/cut-term.ts";
import type { DocumentEdit, Wants } from "#control/change/wants.ts";
import type { DocumentStore } from "#control/state/document-store.ts";
import type { Backup } from "./add-backup-route.ts";
import { changeReplyOf, type ShownFacts } from "./change-reply.ts";
import { termsOf, type ChangeQuery, type CurrentTags } from "./change-terms.ts";
import { cutStatusOf } from "./cut-terms.ts";
import type { EntityTag } from "./entity-tags.ts";
import type { ShownDocument } from "./shown-document.ts";

/** What the admin API uses of the director. */
export interface Changes {
  readonly inForce: StateInForce | undefined;
  /** Rejects with DirectorError if the change is refused; the state then stays as it was. */
  change(request: ChangeRequest): Promise<ChangeResult>;
  /** Computes what a change would do, without asking a worker. */
  plan(request: ChangeRequest): Promise<ChangePlan>;
}

export interface ChangeApiParts {
  readonly changes: Changes;
  readonly wants: Wants;
  readonly store: DocumentStore;
  /** Identifies the store in entity tags, so that a new store cannot repeat the tags of an old one. */
  readonly storeId: string;
  readonly fingerprintOf: FingerprintOf;
  readonly shown: ShownDocument;
  readonly openConnections: (listener: ListenerName) => number;
  readonly fullHandshakes: (listener: ListenerName) => number;
  readonly backup: Backup;
}

interface RunOptions {
  /** The tags of what the request is about. By default those of the document. */
  readonly tagsOf?: (inForce: StateInForce) => CurrentTags;
  readonly origin?: Author["origin"];
  /** `document` by default. */
  readonly kind?: ChangeRequest["kind"];
  readonly cut?: CutTerm | undefined;
}

type ChangingRequest = Pick<FastifyRequest, "headers" | "raw"> & { readonly query: ChangeQuery };

/** A change, or what a dry run computed, and the state in force after it. */
interface Outcome {
  readonly plan: ChangePlan;
  readonly inForce: StateInForce;
  readonly result?: ChangeResult;
}

/** Longer than a change takes, which waits for the changes before it and then for every worker, each with a deadline. */
const CHANGE_DEADLINE_MS = 300_000;
/** Reading what a request brings takes less, unless its keys are as costly as they may be. */
const PREPARE_DEADLINE_MS = 120_000;
/** Options of a route that changes the document: its own deadlines must pass first. */
export const CHANGE_ROUTE = { handlerTimeout: PREPARE_DEADLINE_MS + CHANGE_DEADLINE_MS + 10_000 };

/** Returns false for most documents, in a fraction of the time that it takes to look for secrets. */
const hasFingerprint = (edited: unknown): boolean =>
  isJsonMap(edited) && partsOf(edited).some(({ part }) => HAS_FINGERPRINT.of(part));

const HAS_FINGERPRINT = new Remembered((part: JsonMap) =>
  JSON.stringify(part).includes('"secret:'),
);

/** What the routes that change the document share. */
export class ChangeApi {
  readonly parts: ChangeApiParts;

  constructor(parts: ChangeApiParts) {
    this.parts = parts;
  }

  /** Throws `not-ready` before the first document is served. */
  inForce(): StateInForce {
    const { inForce } = this.parts.changes;
    if (inForce === undefined) throw new DirectorError("not-ready");
    return inForce;
  }

  /** The tag of the whole document and of lists. */
  documentTag({ revision, isSaved }: StateInForce): EntityTag {
    return `"${this.parts.storeId}-${revision}${isSaved ? "" : "-unsaved"}"`;
  }

  /** Returns a function that returns the tags of a resource, which may not exist. */
  tagsOfResource(kind: ResourceKind, name: string): (inForce: StateInForce) => CurrentTags {
    return (inForce) => ({
      own: this.parts.shown.resource(inForce.written, kind, name)?.tag,
      document: this.documentTag(inForce),
    });
  }

  /** Returns the edit with secrets in place of the fingerprints that the client sent back. */
  editOf(edit: DocumentEdit): ChangeRequest["want"] {
    return this.parts.wants.edit((inForce) => {
      const edited = edit(inForce);
      if (!hasFingerprint(edited)) return edited;
      const { fingerprintOf } = this.parts;
      const { value, problems } = restoreSecrets(
        DocumentSchema,
        edited,
        inForce.written,
        fingerprintOf,
      );
      if (problems.length > 0) throw new DirectorError("document-invalid", undefined, { problems });
      return value;
    });
  }

  /**
   * Makes the change or, for a dry run, computes what it would do. Resolves to the body of the reply. Sets the ETag of the reply to
   * the tag that the resource has after that, if it exists.
   */
  async run(
    request: ChangingRequest,
    reply: FastifyReply,
    want: ChangeRequest["want"],
    {
      tagsOf = (inForce) => this.#documentTags(inForce),
      origin = "socket",
      kind = "document",
      cut,
    }: RunOptions = {},
  ): Promise<ChangeReply> {
    // The connection is idle until the reply, which may take longer than the idle deadline of other connections.
    request.raw.setTimeout(CHANGE_ROUTE.handlerTimeout);
    const { by, ...terms } = termsOf(request, tagsOf);
    const cutTerm = cut === undefined ? {} : { cut };
    const author = { ...by, origin };
    const wanted: ChangeRequest = { kind, want, ...terms, ...cutTerm, by: author };
    const { dryRun } = request.query;
    const { plan, inForce, result } = await (dryRun
      ? this.#planned(wanted)
      : this.#changed(wanted, request.raw.socket));
    const { own } = tagsOf(inForce);
    if (own !== undefined) void reply.header("etag", own);
    const facts = {
      ...{ revision: inForce.revision, dryRun },
      ...(cut === undefined ? {} : { cut: cutStatusOf(cut) }),
      ...this.#shownFacts(result),
    };
    return changeReplyOf(plan, facts, this.parts);
  }

  /** Returns what the reply says about certificates that clients are shown since the change. */
  #shownFacts({ proof, endsSessionsOf }: Partial<ChangeResult> = {}): ShownFacts {
    const sumOf = (listeners: readonly ListenerName[]): number =>
      listeners.reduce((sum, listener) => sum + this.parts.fullHandshakes(listener), 0);
    return {
      ...(proof === undefined ? {} : { proof }),
      ...(endsSessionsOf === undefined ? {} : { endedSessions: { atMost: sumOf(endsSessionsOf) } }),
    };
  }

  /** Does the same for a change for which something has to be read before it has its turn. */
  async runPrepared(
    request: ChangingRequest,
    reply: FastifyReply,
    prepare: () => Promise<ChangeRequest["want"]>,
    kind: ChangeRequest["kind"] = "document",
  ): Promise<ChangeReply> {
    request.raw.setTimeout(CHANGE_ROUTE.handlerTimeout);
    const { precondition } = termsOf(request, (inForce) => this.#documentTags(inForce));
    precondition?.(this.inForce());
    const want = await preparedInTime(prepare, request.raw.socket);
    return this.run(request, reply, want, { kind });
  }

  async #planned(wanted: ChangeRequest): Promise<Outcome> {
    const plan = await this.parts.changes.plan(wanted);
    return { plan, inForce: plan.before ?? this.inForce() };
  }

  /** Rejects with `outcome-unknown` at the deadline. A change that has not started by then does not start. */
  async #changed(wanted: ChangeRequest, socket: Socket): Promise<Outcome> {
    const { revision } = this.inForce();
    const stop = new AbortController();
    const passed = Promise.withResolvers<never>();
    const deadline = setTimeout(() => {
      const detail = `Revision ${revision} was in force when the request came. Look whether a later revision is the change.`;
      passed.reject(new DirectorError("outcome-unknown", detail));
      stop.abort();
    }, CHANGE_DEADLINE_MS);
    const leave = (): void => stop.abort();
    // The signal of fastify cannot be used: it is aborted as soon as the body has been read.
    socket.once("close", leave);
    if (socket.destroyed) leave();
    try {
      const change = this.parts.changes.change({ ...wanted, signal: stop.signal });
      const plan = await Promise.race([change, passed.promise]);
      return { plan, inForce: plan.after, result: plan };
    } finally {
      clearTimeout(deadline);
      socket.off("close", leave);
    }
  }

  #documentTags(inForce: StateInForce): CurrentTags {
    const document = this.documentTag(inForce);
    return { own: document, document };
  }
}

/** Nothing has changed if this rejects: at the deadline, or when the client has left. */
async function preparedInTime<Prepared>(
  prepare: () => Promise<Prepared>,
  socket: Socket,
): Promise<Prepared> {
  const stopped = Promise.withResolvers<never>();
  const stop = (detail: string): void =>
    stopped.reject(new DirectorError("check-failed", `${detail} Nothing was changed.`));
  const seconds = PREPARE_DEADLINE_MS / 1_000;
  const deadline = setTimeout(
    () => stop(`Reading the files took longer than ${seconds} s. Send fewer at a time.`),
    PREPARE_DEADLINE_MS,
  );
  const leave = (): void => stop("The client has left.");
  socket.once("close", leave);
  if (socket.destroyed) leave();
  try {
    return await Promise.race([prepare(), stopped.promise]);
  } finally {
    clearTimeout(deadline);
    socket.off("close", leave);
  }
}
