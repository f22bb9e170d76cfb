import type { Shape } from "./cases/bench-case.ts";
import type { FoundSubject } from "./subjects/find-subjects.ts";
import { startSubject, type RunningSubject, type SubjectPlace } from "./subjects/start-subject.ts";

/** Subjects that are up at the same time, for an idle one hardly uses its core; in each of the shapes wanted. */
export class RunningSet {
  readonly #subjects: readonly FoundSubject[];
  readonly #shapes: readonly Shape[];
  readonly #place: SubjectPlace;
  readonly #say: (line: string) => void;
  readonly #running = new Map<Shape, RunningSubject[]>();
  #isComplete = false;

  constructor(
    subjects: readonly FoundSubject[],
    shapes: readonly Shape[],
    place: SubjectPlace,
    say: (line: string) => void,
  ) {
    this.#subjects = subjects;
    this.#shapes = shapes;
    this.#place = place;
    this.#say = say;
  }

  /** Starts them where they are not all running: at first, and when a failure has ended one. */
  async start(): Promise<ReadonlyMap<Shape, readonly RunningSubject[]>> {
    if (this.#isComplete && this.#all().every(({ process }) => !process.hasExited)) {
      return this.#running;
    }
    await this.stop();
    for (const shape of this.#shapes) {
      const started: RunningSubject[] = [];
      this.#running.set(shape, started);
      for (const found of this.#subjects) {
        this.#say(`starting ${found.subject.name}${textOf(shape)}`);
        started.push(await startSubject(found, shape, this.#place));
      }
    }
    this.#isComplete = true;
    return this.#running;
  }

  async stop(): Promise<void> {
    const all = this.#all();
    this.#isComplete = false;
    this.#running.clear();
    await Promise.all(all.map(({ process }) => process.stop()));
  }

  #all(): RunningSubject[] {
    return [...this.#running.values()].flat();
  }
}

function textOf({ keyTypes, workers }: Shape): string {
  const listeners =
    keyTypes.length > 2 ? ` with ${keyTypes.length.toLocaleString("en")} listeners` : "";
  return workers > 1 ? `${listeners} with ${workers} workers` : listeners;
}
