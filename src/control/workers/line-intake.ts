import { isAscii } from "node:buffer";
import { hasUnsafeCharacters } from "#model/escape-controls.ts";
import { exchangeLineStartOf } from "#model/records/exchange-line.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { MAX_LINES_FRAME_BYTES } from "#protocol/line-frames.ts";
import { COMBINED_LINE, JSON_LINE } from "./line-pattern.ts";
import type { WorkerLines } from "./worker-sink.ts";

export type TakenLines = WorkerLines | { readonly objection: string };

interface Known {
  /** What stands between the time and `id` in a line of the listener. */
  readonly start: string;
  readonly hasRequests: boolean;
  /** Whether it had an access log in any snapshot. */
  isLogged: boolean;
}

/** What one line is: where it ends, or why the worker is ended, or undefined if it is left out. */
type Verdict = number | { readonly objection: string } | undefined;

const NEWLINE = "\n";

/**
 * Checks access lines as untrusted input. Each line has exactly the form in which a sound worker writes it, so it can be written to the log
 * as it is. Others are left out and counted, because their contents may come from clients, and no client may cause the end of a worker.
 */
export class LineIntake {
  readonly #known = new Map<string, Known>();
  /** The listener of the last line, which the next line mostly has too. */
  #last: Known | undefined;
  #hasCombined = false;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** Allows lines of this listener. */
  expect(listener: SnapshotListener): void {
    const { name, vnic, accessLog } = listener;
    const hasRequests = "http" in listener;
    const before = this.#known.get(name);
    this.#known.set(name, {
      start: exchangeLineStartOf(vnic, name),
      hasRequests: hasRequests || before?.hasRequests === true,
      isLogged: accessLog !== "off" || before?.isLogged === true,
    });
    this.#last = undefined;
    if (hasRequests && listener.http.accessLogFormat === "combined") this.#hasCombined = true;
  }

  /** The result refers to `bytes`. */
  take(bytes: Buffer): TakenLines {
    if (bytes.length > MAX_LINES_FRAME_BYTES) {
      return { objection: `The worker sent ${bytes.length} bytes of access lines at once.` };
    }
    // The patterns allow no control characters of ASCII.
    const isPlain = isAscii(bytes);
    const text = isPlain ? bytes.toString("latin1") : this.#tryDecode(bytes);
    if (text === undefined) return { objection: "The worker sent access lines that are no text." };
    if (!text.endsWith(NEWLINE)) return { objection: "The worker sent a part of an access line." };
    let count = 0;
    let dropped = 0;
    let keptFrom = 0;
    const kept: string[] = [];
    for (let at = 0; at < text.length;) {
      let verdict = this.#judge(text, at);
      if (typeof verdict === "object") return verdict;
      // The engine of the worker may know other characters of this kind.
      const isUnsafe =
        !isPlain && verdict !== undefined && hasUnsafeCharacters(text.slice(at, verdict));
      if (isUnsafe) verdict = undefined;
      if (verdict === undefined) {
        kept.push(text.slice(keptFrom, at));
        dropped += 1;
        keptFrom = text.indexOf(NEWLINE, at) + 1;
        at = keptFrom;
      } else {
        count += 1;
        at = verdict;
      }
    }
    if (dropped === 0) return { bytes, count, dropped };
    kept.push(text.slice(keptFrom));
    return { bytes: Buffer.from(kept.join("")), count, dropped };
  }

  /** Returns undefined if the bytes are not UTF-8. */
  #tryDecode(bytes: Buffer): string | undefined {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      return undefined;
    }
  }

  #judge(text: string, at: number): Verdict {
    if (text[at] !== "{") return this.#hasCombined ? endOf(COMBINED_LINE, text, at) : undefined;
    const startAt = endOf(JSON_LINE.head, text, at);
    if (startAt === undefined) return undefined;
    const known = this.#listenerAt(text, startAt);
    if (known === undefined) return undefined;
    const restAt = startAt + known.start.length;
    const end = endOf(JSON_LINE.rest, text, restAt);
    if (end === undefined) return undefined;
    const isAllowed =
      known.hasRequests &&
      (known.isLogged || endOf(JSON_LINE.restOfFailure, text, restAt) !== undefined);
    return isAllowed
      ? end
      : { objection: "The worker sent the line of an exchange that the listener cannot have." };
  }

  #listenerAt(text: string, at: number): Known | undefined {
    if (this.#last !== undefined && text.startsWith(this.#last.start, at)) return this.#last;
    JSON_LINE.start.lastIndex = at;
    const name = JSON_LINE.start.exec(text)?.[1];
    const known = name === undefined ? undefined : this.#known.get(name);
    if (known === undefined || !text.startsWith(known.start, at)) return undefined;
    this.#last = known;
    return known;
  }
}

/** Returns where the text ends that the sticky pattern matches at `at`. */
function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
