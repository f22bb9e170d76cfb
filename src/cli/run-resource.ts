import { resourceOf } from "#model/document/resources.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap, type JsonMap } from "#model/json.ts";
import { quoted } from "#model/problem.ts";
import { exchangeWithAdmin } from "./admin-client.ts";
import type { ResourceRequest } from "./commands/edit-resources.ts";
import { documentTagOf } from "./document-tag.ts";
import { ADMIN_STATES, checkName, NAMED_KINDS, pathOfNamed } from "./named-kind.ts";
import { printChange } from "./print-change.ts";
import { sendChange, type ChangeContext, type ChangeQuestion } from "./send-change.ts";
import { withListEdits } from "./settings/edit-lists.ts";
import { mayEmptyMap, withoutEmptyMaps } from "./settings/empty-maps.ts";
import {
  parseSettings,
  type ListEdit,
  type ParsedSettings,
  type ParseParts,
} from "./settings/parse-settings.ts";
import { SETTING_SCHEMAS } from "./settings/setting-schema.ts";
import { UsageError } from "./usage-error.ts";

/** How often a change that is computed from what is set now is made anew because another change came in between. */
const MAX_TRIES = 5;
const READ_DEADLINE_MS = 10_000;

/** Adds, changes or removes one part of the document. Rejects with UsageError or DirectorError. */
export async function runResource(
  request: ResourceRequest,
  context: ChangeContext,
  parts: ParseParts,
): Promise<void> {
  checkName(request.kind, request.name);
  const parsed = await parseSettings(request.kind, settingsOf(request), parts);
  for (let tries = 1; ; tries += 1) {
    try {
      const { drain, cut } = request;
      const question = { ...(await questionOf(request, parsed)), query: { drain, cut } };
      const reply = await sendChange(context, request, question);
      return printChange(context.terminal, reply, request.isJson);
    } catch (error) {
      const isStale = error instanceof DirectorError && error.code === "revision-conflict";
      const isRepeatable = isComputed(request, parsed) && request.ifRevision === undefined;
      if (!isStale || !isRepeatable || tries === MAX_TRIES) throw namedFailure(error, request);
    }
  }
}

/** The name of an admin state stands for that state. */
function settingsOf({ verb, kind, settings }: ResourceRequest): readonly string[] {
  if (verb !== "set") return settings;
  const states = ADMIN_STATES[kind] ?? [];
  return settings.map((text) => (states.includes(text) ? `admin=${text}` : text));
}

async function questionOf(
  request: ResourceRequest,
  { patch, edits }: ParsedSettings,
): Promise<ChangeQuestion> {
  const path = pathOfNamed(request.kind, request.name);
  switch (request.verb) {
    case "add": {
      if (edits.some(({ isRemoval }) => isRemoval)) {
        throw new UsageError("What is added has no list yet that something could be taken from.");
      }
      const whole = withListEdits({}, patch, edits.map(begun));
      const body = withoutNull(withoutEmptyMaps(SETTING_SCHEMAS[request.kind], {}, whole));
      return { method: "PUT", path, body, condition: { "if-none-match": "*" } };
    }
    case "set": {
      if (!isComputed(request, { patch, edits })) {
        return { method: "PATCH", path, body: patch, condition: { "if-match": "*" } };
      }
      const { current, tag } = await readCurrent(request);
      const edited = withListEdits(current, patch, edits);
      const body = withoutEmptyMaps(SETTING_SCHEMAS[request.kind], current, edited);
      return { method: "PATCH", path, body, condition: { "if-match": tag } };
    }
    case "remove":
      return { method: "DELETE", path, condition: { "if-match": "*" } };
    default:
      return request.verb satisfies never;
  }
}

/** Whether what is sent depends on what is set now. */
const isComputed = ({ verb, kind }: ResourceRequest, { patch, edits }: ParsedSettings): boolean =>
  verb === "set" && (edits.length > 0 || mayEmptyMap(SETTING_SCHEMAS[kind], patch));

/** Reads what a change is computed from: the resource now, or as it is in the revision that must be in force. */
async function readCurrent({ kind, name, socketPath, ifRevision }: ResourceRequest) {
  const get = (path: string) =>
    exchangeWithAdmin(socketPath, { method: "GET", path, deadlineMs: READ_DEADLINE_MS });
  if (ifRevision === undefined) {
    const { value, tag } = await get(pathOfNamed(kind, name));
    return { current: value as JsonMap, tag };
  }
  const { value, tag } = await get("/v1/document");
  const { revision } = documentTagOf(tag);
  if (revision !== ifRevision) {
    throw new DirectorError("revision-conflict", `Revision ${revision} is in force.`);
  }
  const current = resourceOf(value as WrittenDocument, NAMED_KINDS[kind], name);
  if (current === undefined) throw new DirectorError("does-not-exist");
  return { current, tag };
}

/** What is added to a list of a new part is the list. */
const begun = (edit: ListEdit): ListEdit => ({ ...edit, unset: edit.unset ?? [] });

/** A setting without a value has its default, and a new part has no other value to remove. */
const withoutNull = (map: JsonMap): JsonMap =>
  Object.fromEntries(
    Object.entries(map).flatMap(([key, value]) => {
      if (value === null) return [];
      return [[key, isJsonMap(value) ? withoutNull(value) : value] as const];
    }),
  );

/** The director does not repeat the name, because it is in the path of the request. */
function namedFailure(error: unknown, { kind, name }: ResourceRequest): unknown {
  if (!(error instanceof DirectorError)) return error;
  if (error.code === "already-exists") {
    return new DirectorError(error.code, `There is a ${kind} ${quoted(name)}.`, { cause: error });
  }
  if (error.code !== "does-not-exist") return error;
  return new DirectorError(error.code, `There is no ${kind} ${quoted(name)}.`, { cause: error });
}
