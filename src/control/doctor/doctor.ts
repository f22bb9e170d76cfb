import type { DoctorCheck } from "#model/records/doctor.ts";
import { DOCTOR_CHECKS } from "./doctor-checks.ts";
import type { DoctorFacts } from "./doctor-facts.ts";

const KEPT_MS = 10_000;

/** Resolves to the checks. */
export type Doctor = () => Promise<readonly DoctorCheck[]>;

/** Returns a doctor that reads the facts at most once in 10 s. Requests that arrive meanwhile share the result. */
export function buildDoctor(
  readFacts: () => Promise<DoctorFacts>,
  nowMs: () => number = () => performance.now(),
): Doctor {
  let last: { readonly atMs: number; readonly checks: Promise<readonly DoctorCheck[]> } | undefined;
  return async () => {
    if (last !== undefined && nowMs() - last.atMs < KEPT_MS) return last.checks;
    const checks = readFacts().then((facts) => DOCTOR_CHECKS.map((check) => check(facts)));
    last = { atMs: nowMs(), checks };
    try {
      return await checks;
    } catch (error) {
      last = undefined;
      throw error;
    }
  };
}
