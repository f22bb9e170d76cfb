import { changeLines } from "#model/document/change-lines.ts";
import type { PathChange } from "#model/document/path-change.ts";
import type { ListenerName } from "#model/names.ts";
import { pathOf } from "#model/problem.ts";
import {
  MAX_NAMED,
  type ChangeReply,
  type DifferenceShape,
  type PathChangeShape,
} from "#model/records/change-reply.ts";
import type { ChangePlan } from "#control/change/change.ts";
import type { ShownDocument } from "./shown-document.ts";

export interface ReplyParts {
  readonly shown: ShownDocument;
  readonly openConnections: (listener: ListenerName) => number;
}

export type ShownFacts = Pick<ChangeReply, "proof" | "endedSessions">;
type ReplyFacts = Pick<ChangeReply, "revision" | "dryRun" | "cut"> & ShownFacts;

export function changeReplyOf(
  plan: ChangePlan,
  { revision, dryRun, cut, ...shownFacts }: ReplyFacts,
  { shown, openConnections }: ReplyParts,
): ChangeReply {
  const { opens, closes, changes } = plan.effect();
  const affected = [
    ...opens.map((listener) => ({ listener, effect: "opens" as const })),
    ...closes.map((listener) => ({ listener, effect: "closes" as const })),
    ...changes.map((listener) => ({ listener, effect: "changes" as const })),
  ];
  const named = affected.slice(0, MAX_NAMED);
  return {
    revision,
    changed: plan.isChanged,
    dryRun,
    difference: differenceOf(plan.changes(), shown),
    listeners: named.map((one) => ({ ...one, openConnections: openConnections(one.listener) })),
    listenersOmitted: affected.length - named.length,
    ...(cut === undefined ? {} : { cut }),
    ...shownFacts,
    versions: plan.versions,
    warnings: plan.warnings,
  };
}

export function differenceOf(
  changes: readonly PathChange[],
  shown: ShownDocument,
): DifferenceShape {
  const named = changes.slice(0, MAX_NAMED);
  return {
    changes: shown.changes(named).map(changeShapeOf),
    omitted: changes.length - named.length,
  };
}

function changeShapeOf(change: PathChange): PathChangeShape {
  const { path, before, after } = change;
  const [text = ""] = changeLines([change]);
  const kind = before === undefined ? "added" : after === undefined ? "removed" : "changed";
  return {
    path: pathOf(...path),
    kind,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    text,
  };
}
