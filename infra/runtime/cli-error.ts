/** An error whose message tells the user of a command everything, so it is printed without a stack. */
export class CliError extends Error {
  readonly expected = true;
}
