import { CHECK_FAILURES, type CheckFailure } from "#model/records/outcome.ts";

/** What one run of a check has found. */
export type CheckResult =
  | { readonly isUp: true; readonly status?: number }
  | {
      readonly isUp: false;
      readonly failure: CheckFailure;
      /** The failure in a sentence. */
      readonly text: string;
      /** The HTTP status of the answer, if there was one. */
      readonly status?: number;
    };

/** A run that the director could not try, which says nothing about the endpoint. */
export interface Untried {
  readonly isUp: undefined;
  /** Why it could not, in a sentence. */
  readonly text: string;
}

export const failed = (failure: CheckFailure): CheckResult => ({
  isUp: false,
  failure,
  text: CHECK_FAILURES[failure],
});

export const untried = (why: string): Untried => ({
  isUp: undefined,
  text: `The director cannot check it: ${why}.`,
});
