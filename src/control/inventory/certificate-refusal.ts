import type { FilesCertificate } from "#model/document/certificate.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import { isError, quoted } from "#model/problem.ts";
import { SourceProblem } from "../certificates/source-problem.ts";

/** Returns the failure of a version that cannot be used. */
export function certificateRefusal(name: string, problems: readonly Problem[]): DirectorError {
  const first = problems.find(isError) ?? problems[0];
  const detail = first === undefined ? undefined : `${name}: ${first.message}`;
  const rest = first === undefined ? {} : { path: first.path };
  return new DirectorError("certificate-refused", detail, { ...rest, problems });
}

/** Returns the failure for what a reader process, or the sealed key, has refused. Returns other errors as they are. */
export function refusalOf(name: string, error: unknown): unknown {
  if (!(error instanceof SourceProblem)) return error;
  const { problem, warnings } = error;
  if (problem.code === "master-key-wrong") return error.cause;
  return certificateRefusal(name, [problem, ...warnings]);
}

/** Returns the failure of a change of versions that are read from files. */
export function filesSource(name: string, { chain, key }: FilesCertificate): DirectorError {
  const files = key === undefined ? chain : `${chain} and ${key}`;
  return new DirectorError("files-source", `Certificate ${name} is read from ${files}.`);
}

export const absentCertificate = (name: string): DirectorError =>
  new DirectorError("not-found", `There is no certificate named ${quoted(name)}.`);
