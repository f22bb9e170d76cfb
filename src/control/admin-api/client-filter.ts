import { normaliseClientAddress, parseCidr } from "#model/addresses/cidr.ts";
import { DirectorError } from "#model/failure.ts";
import { quoted } from "#model/problem.ts";

/** Returns the client of a filter: an address in its normal form, or a CIDR. Throws `bad-request` if it is neither. */
export function clientFilterOf(client: string): string {
  const text = client.includes("/") ? client : normaliseClientAddress(client);
  try {
    parseCidr(text);
    return text;
  } catch (cause) {
    const detail = `\`client\` is neither an address nor a CIDR: ${quoted(client)}.`;
    throw new DirectorError("bad-request", detail, { cause });
  }
}
