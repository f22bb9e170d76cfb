/** The command line asks for something that no director understands. The program prints the message and exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
