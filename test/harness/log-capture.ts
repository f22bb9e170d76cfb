import { withDeadline } from "./deadline.ts";

/** A JSON line of the director; a line that is none has only `text`. */
export type LogLine = Readonly<Record<string, unknown>>;

export type LogPredicate = (line: LogLine) => boolean;

/** The log lines of a process, in the order in which they came. */
export class LogCapture {
  readonly lines: LogLine[] = [];
  readonly #waiting = new Set<{ predicate: LogPredicate; resolve: (line: LogLine) => void }>();

  add(text: string): void {
    const line = lineOf(text);
    this.lines.push(line);
    for (const waiter of this.#waiting) {
      if (waiter.predicate(line)) {
        this.#waiting.delete(waiter);
        waiter.resolve(line);
      }
    }
  }

  /** The first line from index `from` on that matches, or that comes within the deadline. */
  async waitFor(predicate: LogPredicate, deadlineMs: number, from = 0): Promise<LogLine> {
    const known = this.lines.slice(from).find(predicate);
    if (known !== undefined) return known;
    const { promise, resolve } = Promise.withResolvers<LogLine>();
    const waiter = { predicate, resolve };
    this.#waiting.add(waiter);
    try {
      return await withDeadline(
        promise,
        deadlineMs,
        () => `a log line that matches, after\n${this.text(from)}\n`,
      );
    } finally {
      this.#waiting.delete(waiter);
    }
  }

  text(from = 0): string {
    return this.lines
      .slice(from)
      .map((line) => ("text" in line ? String(line["text"]) : JSON.stringify(line)))
      .join("\n");
  }
}

/** Whether a line reports `event`, in its field `event` or as its message. */
export function isEvent(line: LogLine, ...events: readonly string[]): boolean {
  return [line["event"], line["msg"]].some(
    (value) => typeof value === "string" && events.includes(value),
  );
}

function lineOf(text: string): LogLine {
  if (text.startsWith("{")) {
    try {
      return JSON.parse(text) as LogLine;
    } catch {
      // Kept as text.
    }
  }
  return { text };
}
