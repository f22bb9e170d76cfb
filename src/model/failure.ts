import { FAILURES } from "./failure-catalog.ts";
import type { FailureReplySchema, FailureSchema, ProblemSchema } from "./failure-schema.ts";
import type { ShapeOf } from "./shape.ts";

export type FailureCode = keyof typeof FAILURES;

export const isFailureCode = (code: string): code is FailureCode => Object.hasOwn(FAILURES, code);

/** The JSON shape of a failure, in replies and with --json. */
export type FailureShape = ShapeOf<typeof FailureSchema>;
/** A failure in a reply of the admin API. */
export type FailureReply = ShapeOf<typeof FailureReplySchema>;
export type Problem = ShapeOf<typeof ProblemSchema>;

export class DirectorError extends Error {
  override readonly name = "DirectorError";
  readonly code: FailureCode;
  readonly detail: string | undefined;
  readonly path: string | undefined;
  readonly problems: readonly Problem[] | undefined;
  /** The current entity tag of the resource, if the failure is that another one was expected. */
  readonly tag: string | undefined;

  constructor(
    code: FailureCode,
    detail?: string,
    rest: {
      readonly cause?: unknown;
      readonly path?: string;
      readonly problems?: readonly Problem[];
      readonly tag?: string;
    } = {},
  ) {
    super(detail === undefined ? FAILURES[code].text : `${FAILURES[code].text} ${detail}`, {
      cause: rest.cause,
    });
    this.code = code;
    this.detail = detail;
    this.path = rest.path;
    this.problems = rest.problems;
    this.tag = rest.tag;
  }

  toShape(): FailureShape {
    return {
      code: this.code,
      message: this.message,
      hint: FAILURES[this.code].hint,
      ...(this.path === undefined ? {} : { path: this.path }),
      ...(this.problems === undefined ? {} : { problems: this.problems }),
    };
  }
}
