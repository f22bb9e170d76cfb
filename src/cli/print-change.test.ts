import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListenerName } from "#model/names.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { printChange } from "./print-change.ts";
import type { Terminal } from "./terminal.ts";

const reply: ChangeReply = {
  revision: 12,
  changed: true,
  dryRun: false,
  difference: {
    changes: [
      { path: "servers.a", kind: "added", text: "+ servers.a {}" },
      { path: "servers.b", kind: "removed", text: "- servers.b \u001b[2J" },
    ],
    omitted: 0,
  },
  listeners: [
    { listener: "front.shop:443" as ListenerName, effect: "changes", openConnections: 2 },
    { listener: "front.shop:80" as ListenerName, effect: "opens", openConnections: 0 },
  ],
  listenersOmitted: 3,
  versions: [],
  warnings: [
    { path: "p", code: "no-server", message: "It has none.", hint: "Add it.", severity: "warning" },
  ],
};

function printed(shown: ChangeReply, { hasColours = false, isJson = false } = {}): string {
  let text = "";
  const terminal: Terminal = {
    isInteractive: false,
    hasColours: { out: hasColours, err: false },
    out: (part) => {
      text += part;
    },
    err: (part) => assert.fail(part),
  };
  printChange(terminal, shown, isJson);
  return text;
}

test("a change is printed with its differences, its listeners, and how to undo it", () => {
  assert.equal(
    printed(reply),
    [
      "Revision 12 is in force.",
      "  + servers.a {}",
      "  - servers.b \\u{1b}[2J",
      "Listeners:",
      "  front.shop:443 changes; 2 open connections go on",
      "  front.shop:80 opens",
      "  … and 3 more",
      "warning: p: It has none.",
      "Undo it with `tlsd undo 12`.",
      "",
    ].join("\n"),
  );
  assert.deepEqual(JSON.parse(printed(reply, { isJson: true })), reply);
});

test("a dry run says on which revision it was computed, and the first revision cannot be undone", () => {
  const dry = printed({ ...reply, dryRun: true });
  assert.match(dry, /^A dry run on revision 12: this would change\.\n/);
  assert.match(dry, /with --if-revision 12\.\n$/);
  assert.doesNotMatch(dry, /undo/);
  assert.doesNotMatch(printed({ ...reply, revision: 1 }), /undo/);
});

test("differences are coloured on a terminal only, and many are counted", () => {
  const coloured = printed(reply, { hasColours: true });
  assert.ok(coloured.includes("\u001b[32m+ servers.a {}\u001b[0m\n"), coloured);
  const [change] = reply.difference.changes;
  assert.ok(change !== undefined);
  const difference = { changes: Array.from({ length: 60 }, () => change), omitted: 7 };
  assert.match(printed({ ...reply, difference }), /^ {2}… and 17 more$/m);
});
