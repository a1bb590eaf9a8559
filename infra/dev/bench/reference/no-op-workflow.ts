/** Does nothing, which shows what a workflow costs before it does any work. */
export async function noOp(): Promise<void> {
  // Nothing to do.
}
