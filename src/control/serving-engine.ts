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
  /** What the command line asks for; undefined if it leaves the choice to the document. */
  readonly wanted: DirectorSettings["engine"] | undefined;
  /** The Node that runs the control process, and its environment. */
  readonly nodeFile: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of what a trial cannot account for. */
  onFault(error: unknown): void;
}

/** The engine of the workers, which is chosen with the first document and stays, and its trial process. */
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

  /** Ends the trial process, which comes back with the next trial. */
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
    // The reader runs on the Node that the workers would run on.
    if (engine === "node") return { binary, engine, trial: undefined };
    const onFault = this.#options.onFault.bind(this.#options);
    this.#trial = startEngineTrial({ engine: binary, env, onFault });
    return { binary, engine, trial: { engine, process: this.#trial } };
  }
}
