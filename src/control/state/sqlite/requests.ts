/** The messages between the process and the thread of the database. */
import type { DatabaseSync } from "node:sqlite";
import type { FailureCode } from "#model/failure.ts";
import type { READS, WRITES } from "./statements.ts";

type Operations = typeof READS & typeof WRITES;
export type OperationName = keyof Operations;

type Operation<Name extends OperationName> = Operations[Name] extends (
  database: DatabaseSync,
  ...args: infer Args
) => infer Result
  ? { readonly args: Args; readonly result: Result }
  : never;

export type ArgsOf<Name extends OperationName> = Operation<Name>["args"];
export type ResultOf<Name extends OperationName> = Operation<Name>["result"];

export interface Request {
  /** `close` closes the database. */
  readonly name: OperationName | "close";
  readonly args: readonly unknown[];
}

/** Requests are answered one by one, in their order. */
export type Reply =
  | { readonly kind: "done"; readonly value: unknown; readonly trouble?: string }
  | { readonly kind: "failed"; readonly code: FailureCode; readonly detail: string }
  /** All rows of an older layout were converted. No request has this reply. */
  | { readonly kind: "converted"; readonly revisions: number; readonly durationMs: number };
