/** A reason to stop that the person who runs the bench can act on; its message is printed as it stands. */
export class BenchFailure extends Error {
  override readonly name = "BenchFailure";
}
