/** A failure whose message tells the whole story to the person at the terminal: shown without a stack. */
export class ExpectedError extends Error {
  readonly expected = true;
}
