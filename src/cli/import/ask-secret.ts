import { StringDecoder } from "node:string_decoder";

/** A terminal to read from, such as a `tty.ReadStream`. */
export interface SecretInput {
  setRawMode(isRaw: boolean): unknown;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "end" | "close" | "error", listener: () => void): unknown;
  off(event: "data" | "end" | "close" | "error", listener: (chunk: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

export interface SecretOutput {
  write(text: string): unknown;
}

export const MAX_SECRET_LENGTH = 1_024;

const INTERRUPT = "\u0003";
const END = "\u0004";
const ERASE: readonly string[] = ["\b", "\u007f"];
const ERASE_LINE = "\u0015";
const ESCAPE = "\u001b";
/** What follows ESC where a terminal sends a key such as an arrow (ECMA-48 section 5.4). */
const SEQUENCE = /^(?:\[[0-9;]*[ -/]*[@-~]?|O?.)/s;

/**
 * Asks for one line on a terminal and shows nothing of it. Resolves to undefined if the operator presses Ctrl-C, or Ctrl-D on an empty
 * line, or if the terminal is closed.
 */
export function askSecret(
  question: string,
  input: SecretInput,
  output: SecretOutput,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const line = new SecretLine();
  const decoder = new StringDecoder("utf8");
  const hear = (chunk: Buffer): void => {
    const answer = line.take(decoder.write(chunk));
    if (answer !== undefined) finish(answer.text);
  };
  const abandon = (): void => finish(undefined);
  const finish = (answer: string | undefined): void => {
    input.off("data", hear);
    for (const event of ENDS) input.off(event, abandon);
    input.setRawMode(false);
    input.pause();
    output.write("\n");
    resolve(answer);
  };
  // The terminal neither shows what is typed nor turns Ctrl-C into a signal.
  input.setRawMode(true);
  output.write(question);
  for (const event of ENDS) input.on(event, abandon);
  input.on("data", hear);
  input.resume();
  return promise;
}

const ENDS = ["end", "close", "error"] as const;

/** The line that is being typed. */
class SecretLine {
  #characters: string[] = [];

  /** Returns the answer when the line has ended. Its text is undefined if there is none. What was pasted after it is dropped. */
  take(typed: string): { readonly text: string | undefined } | undefined {
    const [first = "", ...rest] = typed.split(ESCAPE);
    for (const character of [first, ...rest.map((text) => text.replace(SEQUENCE, ""))].join("")) {
      if (character === "\r" || character === "\n") return { text: this.#characters.join("") };
      if (character === INTERRUPT) return { text: undefined };
      if (character === END) {
        return { text: this.#characters.length === 0 ? undefined : this.#characters.join("") };
      }
      if (ERASE.includes(character)) this.#characters.pop();
      else if (character === ERASE_LINE) this.#characters = [];
      else if (character >= " " && this.#characters.length <= MAX_SECRET_LENGTH) {
        this.#characters.push(character);
      }
    }
    return undefined;
  }
}
