/** Code that does not have the workflow that is asked for, as after a wrong deployment. */
export async function anotherLifecycle(): Promise<void> {}
