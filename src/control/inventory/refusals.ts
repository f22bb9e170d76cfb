import { DirectorError, type FailureCode, type Problem } from "#model/failure.ts";
import { pathOf } from "#model/problem.ts";

/** How many certificates one failure names. */
const MAX_NAMED = 100;
/** The failures that concern one certificate of a request and not the others. */
const OF_ONE: readonly FailureCode[] = ["certificate-refused", "already-exists", "files-source"];

/** Collects the failures of single certificates of a request, so that one failure names all of them. */
export class Refusals {
  readonly #found: (readonly [name: string, failure: DirectorError])[] = [];

  /**
   * Resolves to what `work` does, or to an empty list if the certificate is refused. Rejects with any other failure, and as
   * `throwIfAny` does if there are too many refused certificates to name.
   */
  async collect<Result>(name: string, work: () => Promise<Result>): Promise<readonly Result[]> {
    try {
      return [await work()];
    } catch (error) {
      if (!(error instanceof DirectorError) || !OF_ONE.includes(error.code)) throw error;
      this.#found.push([name, error]);
      if (this.#found.length >= MAX_NAMED) this.throwIfAny();
      return [];
    }
  }

  /** Throws the failure of the certificate that is refused, or one that names all of them. */
  throwIfAny(): void {
    const [first, second] = this.#found;
    if (first === undefined) return;
    const [, failure] = first;
    if (second === undefined) throw failure;
    const names = this.#found.map(([name]) => name).join(", ");
    const hasOneCode = this.#found.every(([, { code }]) => code === failure.code);
    throw new DirectorError(
      hasOneCode ? failure.code : "certificate-refused",
      `${this.#found.length} certificates are refused: ${names}.`,
      { problems: this.#found.flatMap(([name, one]) => problemsOf(name, one)) },
    );
  }
}

function problemsOf(name: string, failure: DirectorError): readonly Problem[] {
  const { code, message, hint, problems } = failure.toShape();
  if (problems !== undefined) return problems;
  return [{ path: pathOf("certificates", name), severity: "error", code, message, hint }];
}
