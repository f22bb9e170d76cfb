import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateName, ListenerName } from "#model/names.ts";
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

test("what workers have shown is printed by certificate, and that nothing was shown", () => {
  const of = (proof: Partial<NonNullable<ChangeReply["proof"]>>): string => {
    const none = { shown: [], hidden: [], unproven: [], replaced: [], untried: 0 };
    const text = printed({ ...reply, proof: { ...none, ...proof } });
    return text.slice(text.indexOf("Shown"), text.indexOf("warning"));
  };
  const certificate = "shop" as CertificateName;
  const text = of({
    shown: [1, 2].map((worker) => ({ worker, certificate, serial: "0A" })),
    hidden: [{ worker: 1, certificate, by: "first" }],
    unproven: [{ worker: 3, certificate, reason: "It hangs." }],
    replaced: [4],
    untried: 7,
  });
  const lines = [
    "Shown to new clients:",
    "  shop with serial 0A by worker 1, 2",
    "  shop not by worker 1: first comes first",
    "  shop NOT by worker 3: It hangs.",
    "  worker 4 did not show it, and was replaced",
    "  7 changed certificates were not tried",
    "",
  ];
  assert.equal(text, lines.join("\n"));
  assert.equal(of({}), "Shown to new clients:\n  nothing, because no worker was up\n");
});
