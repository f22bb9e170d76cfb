import assert from "node:assert/strict";
import { test } from "node:test";
import { openScreen } from "./watch-screen.ts";

function recorded(rows: number) {
  let text = "";
  const out = (part: string): void => {
    text += part;
  };
  return { terminal: { isInteractive: true, rows, out, err: out }, text: () => text };
}

test("a screen writes each text over the one before, and restores the terminal", () => {
  const { terminal, text } = recorded(10);
  {
    using screen = openScreen(terminal, false);
    screen.out("a\nb\n");
    screen.err("c\n");
  }
  assert.equal(
    text().replaceAll("\u001b[", "^"),
    "^?25l^?7l^H^2J^Ha^K\nb^K\n^J^Hc^K\n^J\r^K^?7h^?25h",
  );
});

test("a screen never scrolls: what does not fit is counted", () => {
  const { terminal, text } = recorded(4);
  using screen = openScreen(terminal, false);
  screen.out("1\n2\n3\n4\n5\n");
  assert.ok(text().replaceAll("\u001b[", "^").endsWith("1^K\n2^K\n… 3 more lines^K\n^J"));
});

test("JSON lines are not a screen", () => {
  const { terminal, text } = recorded(4);
  {
    using screen = openScreen(terminal, true);
    screen.out("{}\n");
  }
  assert.equal(text(), "{}\n");
});
