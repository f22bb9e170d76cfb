import { escapeControls } from "#model/escape-controls.ts";
import { askAdmin } from "./admin-client.ts";
import type { MasterKeyRequest } from "./commands/edit-resources.ts";
import { jsonText } from "./json-text.ts";
import type { Terminal } from "./terminal.ts";

/** A store may have many keys, and a command that prints the master key has 10 s. */
const DEADLINE_MS = 120_000;

interface MasterKeyReply {
  readonly id: string;
  readonly place: string;
  readonly made: boolean;
  readonly rewrapped: number;
  readonly damaged: number;
}

/** Changes to the master key that the file of the document names. */
export async function runMasterKey(request: MasterKeyRequest, terminal: Terminal): Promise<void> {
  const { socketPath, isJson } = request;
  const path = "/v1/master-key";
  const ask = { method: "POST", path, deadlineMs: DEADLINE_MS } as const;
  const reply = (await askAdmin(socketPath, ask)) as MasterKeyReply;
  if (isJson) return terminal.out(jsonText(reply));
  terminal.out(`${sentencesOf(reply).map(escapeControls).join("\n")}\n`);
}

function sentencesOf({ id, place, made, rewrapped, damaged }: MasterKeyReply): readonly string[] {
  const sentences = [`Master key ${id} in ${place} is in use.`];
  if (made) sentences.push("It was made now. Back it up, but not together with the data folder.");
  if (rewrapped > 0) {
    sentences.push(
      `Private keys that are sealed with it now: ${rewrapped}. ` +
        "Keep the key before as long as the backups of the state that were made before.",
    );
  }
  if (damaged > 0) sentences.push(`Private keys that are damaged: ${damaged}.`);
  return sentences;
}
