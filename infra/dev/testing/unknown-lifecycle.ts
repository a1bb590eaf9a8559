/** Workflow code that lacks the requested workflow type, as after a wrong deployment. */
export async function anotherLifecycle(): Promise<void> {}
