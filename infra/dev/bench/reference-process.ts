import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A reference in its own process, so that it competes with the servers as the services do. */
export interface ReferenceProcess {
  /** Runs the reference for this long. @throws Error with what the reference threw */
  run<Result>(durationMs: number): Promise<Result>;
  stop(): Promise<void>;
}

type Reply = { ready: true } | { result: unknown } | { error: string };

const replyTimeoutMs = 180_000;

/** Starts `reference/<name>.ts` with `env` added to the environment. Resolves when it is ready. */
export async function startReference(name: string, env: Record<string, string>): Promise<ReferenceProcess> {
  const file = fileURLToPath(new URL(`reference/${name}.ts`, import.meta.url));
  const child = fork(file, { env: { ...process.env, ...env }, execArgv: ['--import', 'tsx'] });
  const nextReply = async (): Promise<Reply> => {
    const exited = once(child, 'exit').then(() => {
      throw new Error(`the reference ${name} exited`);
    });
    exited.catch(() => undefined);
    const message = once(child, 'message', { signal: AbortSignal.timeout(replyTimeoutMs) });
    const [received] = (await Promise.race([message, exited])) as [Reply];
    return received;
  };
  await nextReply();
  return {
    run: async <Result>(durationMs: number) => {
      const reply = nextReply();
      child.send(durationMs);
      const received = await reply;
      if ('error' in received) throw new Error(`the reference ${name} failed: ${received.error}`);
      return ('result' in received ? received.result : undefined) as Result;
    },
    stop: async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
