/** Nothing: what a workflow costs before it does anything. */
export async function noOp(): Promise<void> {
  // Nothing to do.
}
