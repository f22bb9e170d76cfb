/** An error that the person who runs the bench can act on. Its message is printed without a stack trace. */
export class BenchFailure extends Error {
  override readonly name = "BenchFailure";
}
