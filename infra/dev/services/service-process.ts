import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { exitOf, settledWithin } from '../processes/bounded-waits.js';

const stopLimitMs = 30_000;
const probeLimitMs = 3_000;

/**
 * The options of Node wherever the services run; infra/Dockerfile sets the same. Each message leaves much short-lived
 * garbage, and with 32 MiB of room for it instead of 16 a drain is 5 to 12 % faster (measured).
 */
export const nodeOptions = '--enable-source-maps --max-semi-space-size=32';

export interface ServiceProcessOptions {
  /** Arguments of Node: its options, then the file. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment of the process but NODE_OPTIONS. */
  readonly env: NodeJS.ProcessEnv;
  /** Receives its output. Default: the output is parsed into `logs`. */
  readonly logFile?: string;
  /** How many files it may have open. Default: as many as this process. */
  readonly openFiles?: number | undefined;
}

/** A service in a process of its own, which is not restarted when it exits. */
export class ServiceProcess {
  /** The log lines so far, parsed. */
  readonly logs: Record<string, unknown>[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  #output = '';

  /** Starts the process. Whoever starts it waits until it is ready. */
  constructor(options: ServiceProcessOptions) {
    this.#child = start(options);
    this.#exited = exitOf(this.#child);
    if (options.logFile === undefined) this.#collectOutput();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Everything it has printed so far, unless that goes to a file. */
  get output(): string {
    return this.#output;
  }

  /**
   * Waits until the process exits by itself. Resolves with its exit code or the signal that killed it.
   * @throws Error if it is still running after `timeoutMs`
   */
  async ended(timeoutMs: number): Promise<number | NodeJS.Signals | null> {
    if (!(await settledWithin(this.#exited, timeoutMs))) throw new Error(`process ${this.pid} is still running`);
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  /** Sends SIGTERM, and SIGKILL after 30 seconds. Resolves with the exit code when the process is gone. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    if (!(await settledWithin(this.#exited, stopLimitMs))) await this.kill();
    return this.#child.exitCode;
  }

  /** Sends SIGKILL. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #collectOutput(): void {
    const { stdout, stderr } = this.#child;
    stderr?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    if (!stdout) return;
    createInterface({ input: stdout }).on('line', (line) => {
      this.#output += `${line}\n`;
      if (line.startsWith('{')) this.logs.push(JSON.parse(line) as Record<string, unknown>);
      if (process.env['TEST_LOG_LEVEL']) console.log(line);
    });
  }
}

function start({ args, cwd, env, logFile, openFiles }: ServiceProcessOptions): ChildProcess {
  const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles}; `;
  const redirection = logFile === undefined ? '' : ' >>"$0" 2>&1';
  return spawn('sh', ['-c', `${limit}exec "$@"${redirection}`, logFile ?? 'sh', process.execPath, ...args], {
    cwd,
    env: { ...env, NODE_OPTIONS: nodeOptions },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/**
 * Returns true if the service on this port reports that everything it needs is available.
 * @throws Error with what it reports otherwise
 */
export async function isHealthy(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(probeLimitMs) });
  const text = await response.text();
  const health = JSON.parse(text) as { status?: unknown };
  if (response.ok && health.status === 'ok') return true;
  throw new Error(`GET /health answered ${response.status}: ${text.slice(0, 300)}`);
}
