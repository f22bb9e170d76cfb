import type { Position } from "#model/problem.ts";

/** The text is not a document. The message says why. */
export class SyntaxProblem extends Error {
  override readonly name = "SyntaxProblem";
  /** Undefined if the problem concerns the whole text. */
  readonly position: Position | undefined;

  constructor(message: string, position?: Position, options?: ErrorOptions) {
    super(message, options);
    this.position = position;
  }
}

/** Decodes UTF-8. `what` is the subject of the sentence if it throws SyntaxProblem. */
export function utf8TextOf(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxProblem(`${what} is not UTF-8 text.`, undefined, { cause });
  }
}
