import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { remarksOf, tableOf, type Column } from "./table.ts";
import { widthOf } from "./wrap-text.ts";

type Row = readonly [name: string, count: number, state: string, detail: string];

const COLUMNS: readonly Column<Row>[] = [
  { title: "NAME", cell: ([name]) => name },
  { title: "COUNT", cell: ([, count]) => count, isNumber: true },
  { title: "STATE", cell: ([, , state]) => state },
  { title: "DETAIL", cell: ([, , , detail]) => detail },
];
const ROWS: readonly Row[] = [
  ["front.shop", 7, "up", "It has one endpoint."],
  ["back", 1_200, "impaired", "No endpoint of this listener has answered since noon."],
];

describe("tableOf", () => {
  it("has one line a row if the width is not known or large enough", () => {
    const table = [
      "NAME        COUNT  STATE     DETAIL",
      "front.shop      7  up        It has one endpoint.",
      "back         1200  impaired  No endpoint of this listener has answered since noon.",
      "",
    ].join("\n");
    assert.equal(tableOf(COLUMNS, ROWS), table);
    assert.equal(tableOf(COLUMNS, ROWS, 82), table);
  });

  it("folds rows that are wider than the terminal, and breaks long cells between words", () => {
    assert.equal(
      tableOf(COLUMNS, ROWS, 40),
      [
        "NAME        COUNT  STATE",
        "    DETAIL",
        "front.shop      7  up",
        "    It has one endpoint.",
        "back         1200  impaired",
        "    No endpoint of this listener has",
        "    answered since noon.",
        "",
      ].join("\n"),
    );
  });

  it("keeps to the width for any text, and loses none of it", () => {
    const rows: readonly Row[] = [["x".repeat(100), 5, "", `${"y".repeat(45)} \u{1f600}\u0007 z`]];
    for (let width = 24; width < 180; width += 1) {
      const lines = tableOf(COLUMNS, rows, width).split("\n");
      for (const line of lines) assert.ok(widthOf(line) <= width, `${width}: ${line}`);
      const text = lines.join("").replaceAll(" ", "");
      assert.ok(text.includes("x".repeat(100)) && text.includes("\u{1f600}\\u{7}z"), text);
    }
  });
});

describe("remarksOf", () => {
  const remarks = [
    ["back.shop:443", "No endpoint answers\u001b, and none has since noon."],
  ] as const;

  it("has one line a remark below the title, without control characters", () => {
    assert.equal(
      remarksOf("Not up", remarks),
      "\nNot up:\n  back.shop:443: No endpoint answers\\u{1b}, and none has since noon.\n",
    );
    assert.equal(remarksOf("Not up", []), "");
  });

  it("is folded at the width of the terminal", () => {
    assert.equal(
      remarksOf(undefined, remarks, 40),
      [
        "",
        "  back.shop:443: No endpoint",
        "                 answers\\u{1b}, and none",
        "                 has since noon.",
        "",
      ].join("\n"),
    );
  });
});
