import { DirectorError, type FailureCode, type Problem } from "#model/failure.ts";
import { pathOf } from "#model/problem.ts";

/** How many certificates one failure names. */
const MAX_NAMED = 100;
/** The failures that concern one certificate of a request and not the others. */
const OF_ONE: readonly FailureCode[] = ["certificate-refused", "already-exists", "files-source"];

/** Collects the failures of single certificates of a request, so that one failure names all of them. */
export class Refusals {
  /** By the place of the certificate among those that were asked for, because several are read at the same time. */
  readonly #found: (readonly [place: number, name: string, failure: DirectorError])[] = [];
  #asked = 0;

  /**
   * Resolves to what `work` does, or to an empty list if the certificate is refused. Rejects with any other failure, and as
   * `throwIfAny` does if there are too many refused certificates to name.
   */
  async collect<Result>(name: string, work: () => Promise<Result>): Promise<readonly Result[]> {
    const place = this.#asked;
    this.#asked += 1;
    try {
      return [await work()];
    } catch (error) {
      if (!(error instanceof DirectorError) || !OF_ONE.includes(error.code)) throw error;
      this.#found.push([place, name, error]);
      if (this.#found.length >= MAX_NAMED) this.throwIfAny();
      return [];
    }
  }

  /** Throws the failure of the certificate that is refused, or one that names all of them. */
  throwIfAny(): void {
    const found = this.#found.toSorted(([one], [other]) => one - other);
    const [first, second] = found;
    if (first === undefined) return;
    const [, , failure] = first;
    if (second === undefined) throw failure;
    const names = found.map(([, name]) => name).join(", ");
    const hasOneCode = found.every(([, , { code }]) => code === failure.code);
    throw new DirectorError(
      hasOneCode ? failure.code : "certificate-refused",
      `${found.length} certificates are refused: ${names}.`,
      { problems: found.flatMap(([, name, one]) => problemsOf(name, one)) },
    );
  }
}

function problemsOf(name: string, failure: DirectorError): readonly Problem[] {
  const { code, message, hint, problems } = failure.toShape();
  if (problems !== undefined) return problems;
  return [{ path: pathOf("certificates", name), severity: "error", code, message, hint }];
}
