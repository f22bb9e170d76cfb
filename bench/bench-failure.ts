/** An error whose cause the user of the bench can remove. Its message is printed without a stack trace. */
export class BenchFailure extends Error {
  override readonly name = "BenchFailure";
}
