import { isDeepStrictEqual } from "node:util";
import { CHECK_FAILURES } from "#model/records/outcome.ts";
import type { CheckUse, EndpointChecked } from "#control/director-event.ts";

/** So long it is remembered that an endpoint was down, although nothing checks it. */
const REMEMBER_MS = 10 * 60_000;
const MAX_REMEMBERED = 10_000;

interface Found {
  readonly isUp: boolean;
  /** The listeners that use the check, or that used it when it ended. */
  readonly uses: readonly CheckUse[];
  /** Why the endpoint is down. Undefined if it is up, or if no check has found it. */
  readonly why: string | undefined;
}

/**
 * What checks find of endpoints, by the keys of `checkedKeyOf`. So it holds for all listeners that check an endpoint with equal
 * settings, and for those that begin to.
 */
export class CheckedEndpoints {
  readonly #nowMs: () => number;
  /** The endpoints that are checked. */
  readonly #checked = new Map<string, Found>();
  /** Endpoints that are not checked and count as down, and until when. */
  readonly #presumed = new Map<string, Found & { readonly untilMs: number }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /**
   * Takes the result of a check. An endpoint that is down when its check ends counts as down when a check of it starts again.
   * Returns whether anything is different from what was known.
   */
  checked({ key, isUp, uses, failure, text }: EndpointChecked): boolean {
    const before = this.#of(key);
    this.#presumed.delete(key);
    const why = isUp ? undefined : (text ?? (failure && CHECK_FAILURES[failure]) ?? before?.why);
    const found = { isUp, uses, why };
    if (uses.length > 0) this.#checked.set(key, found);
    else {
      this.#checked.delete(key);
      if (!isUp) this.#presume(key, { ...found, uses: before?.uses ?? [] });
    }
    return !isDeepStrictEqual(found, before);
  }

  /** Lets an endpoint that is not checked count as down until its checks succeed. */
  presumeDown(key: string, use: CheckUse): void {
    this.#presume(key, { isUp: false, uses: [use], why: undefined });
  }

  isDown(key: string): boolean {
    return this.#of(key)?.isUp === false;
  }

  /** Returns why the endpoint is down, or undefined if it is up or if no check has found it. */
  whyDown(key: string): string | undefined {
    return this.#of(key)?.why;
  }

  isKnown(key: string): boolean {
    return this.#of(key) !== undefined;
  }

  /** Whether any endpoint of the server is down. */
  isServerDown(server: string): boolean {
    return [...this.#checked.values(), ...this.#presumed.values()].some(
      ({ isUp, uses }) => !isUp && uses.some((use) => use.server === server),
    );
  }

  /** Forgets what has been presumed for too long. */
  forget(): void {
    const nowMs = this.#nowMs();
    for (const [key, { untilMs }] of this.#presumed) {
      if (untilMs <= nowMs) this.#presumed.delete(key);
    }
  }

  #of(key: string): Found | undefined {
    return this.#checked.get(key) ?? this.#presumed.get(key);
  }

  #presume(key: string, found: Found): void {
    if (this.#presumed.size >= MAX_REMEMBERED) return;
    this.#presumed.set(key, { ...found, untilMs: this.#nowMs() + REMEMBER_MS });
  }
}
