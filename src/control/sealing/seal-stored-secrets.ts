import { DirectorError } from "#model/failure.ts";
import type { Notice } from "../notice.ts";

const SECRETS_UNSEALED = "secrets-unsealed";

interface Parts {
  readonly store: { sealHistory(): Promise<void> };
  readonly notices: {
    raise(notice: Notice): void;
    clear(event: string): void;
  };
}

/**
 * Seals the secrets that an earlier version has stored. If that fails now, a notice says so, and the director goes on with the secrets as
 * they are stored.
 */
export async function sealStoredSecrets({ store, notices }: Parts): Promise<void> {
  try {
    await store.sealHistory();
    notices.clear(SECRETS_UNSEALED);
  } catch (error) {
    if (!(error instanceof DirectorError)) throw error;
    // The store has raised a notice of its own, and nothing is known of what it has.
    if (error.code === "state-unwritable") return;
    const text =
      "Passphrases that an earlier version has stored are still in the state as they are, because they could not be sealed. " +
      `\`tlsd set master-key\` and each start try it again. ${error.message}`;
    notices.raise({ event: SECRETS_UNSEALED, text });
  }
}
