/** A failure whose message tells the person at the terminal everything; it is printed without a stack. */
export class CliError extends Error {
  readonly expected = true;
}
