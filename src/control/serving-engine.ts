import type { DirectorSettings } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { ServingEngine } from "./check-file.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import { startEngineTrial } from "./reader/start-reader.ts";
import { findEngine, type EngineBinary } from "./workers/find-engine.ts";

interface Chosen extends ServingEngine {
  readonly binary: EngineBinary;
}

export interface EngineChoiceOptions {
  /** The engine from the command line, or undefined if the document chooses it. */
  readonly wanted: DirectorSettings["engine"] | undefined;
  /** The path of the Node that runs the control process. */
  readonly nodeFile: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with an unexpected error of an engine trial. */
  onFault(error: unknown): void;
}

/** The engine of the workers and its trial process. The engine is chosen with the first document and does not change. */
export class EngineChoice {
  readonly #options: EngineChoiceOptions;
  #chosen: Chosen | undefined;
  #trial: MaterialReader | undefined;

  constructor(options: EngineChoiceOptions) {
    this.#options = options;
  }

  /** Throws `engine-missing`. */
  of(settings: DirectorSettings): Chosen {
    this.#chosen ??= this.#choose(settings);
    return this.#chosen;
  }

  /** Returns undefined if the engine that the document asks for is not installed. */
  tryOf(settings: DirectorSettings): Chosen | undefined {
    try {
      return this.of(settings);
    } catch (error) {
      if (error instanceof DirectorError) return undefined;
      throw error;
    }
  }

  /** Ends the trial process. The next trial starts it again. */
  async rest(): Promise<void> {
    await this.#trial?.rest();
  }

  async close(): Promise<void> {
    await this.#trial?.close();
  }

  #choose(settings: DirectorSettings): Chosen {
    const { wanted, nodeFile, arch, env } = this.#options;
    const binary = findEngine({ wanted: wanted ?? settings.engine, nodeFile, arch });
    const { engine } = binary;
    // The reader runs on the same Node as the workers, so no separate trial is needed.
    if (engine === "node") return { binary, engine, trial: undefined };
    const onFault = this.#options.onFault.bind(this.#options);
    this.#trial = startEngineTrial({ engine: binary, env, onFault });
    return { binary, engine, trial: { engine, process: this.#trial } };
  }
}
