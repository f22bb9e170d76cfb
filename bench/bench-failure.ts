/** An error that the user of the bench can correct. Its message is printed without a stack trace. */
export class BenchFailure extends Error {
  override readonly name = "BenchFailure";
}
