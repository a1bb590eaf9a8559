import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/** The environment is unusable; the message lists every problem by the variable's name, and nothing was connected to. */
export class EnvironmentError extends Error {
  readonly problems: readonly string[];
  /** Its message tells the whole story: a person at a terminal is shown no stack. */
  readonly expected = true;

  constructor(problems: readonly string[]) {
    super(
      `the environment has ${problems.length} problem(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.name = 'EnvironmentError';
    this.problems = problems;
  }
}

/** Reads `.env` of the working directory if there is one; variables that are already set win. */
export function loadDotEnv(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}

/**
 * Reads the variables that `schema` names out of `env` into one frozen object.
 * A variable that is set to the empty string counts as unset. `NAME_FILE` names a file that holds the value of `NAME`
 * instead, for secrets that should not be in an environment; a line's end after the value is no part of it.
 * @param alsoRead sources of settings with rules of their own; what they throw is reported beside the other problems
 * @throws EnvironmentError naming every problem at once
 */
export function readEnvironment<Shape extends z.ZodRawShape, Extra extends object>(
  schema: z.ZodObject<Shape>,
  env: NodeJS.ProcessEnv,
  alsoRead: () => Extra,
): Readonly<z.output<z.ZodObject<Shape>> & Extra> {
  const problems: string[] = [];
  const unread = new Set<string>();
  const named = Object.fromEntries(
    Object.keys(schema.shape).map((name) => {
      const { value, problem } = readVariable(name, env);
      if (problem !== undefined) {
        problems.push(problem);
        unread.add(name);
      }
      return [name, value];
    }),
  );
  const parsed = schema.safeParse(named);
  if (!parsed.success) {
    const issues = parsed.error.issues.filter((issue) => !unread.has(String(issue.path[0])));
    problems.push(...issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  let extra: Extra | undefined;
  try {
    extra = alsoRead();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  if (problems.length > 0 || !parsed.success || extra === undefined) throw new EnvironmentError(problems);
  return Object.freeze({ ...parsed.data, ...extra });
}

function readVariable(name: string, env: NodeJS.ProcessEnv): { value?: string | undefined; problem?: string } {
  const value = env[name] || undefined;
  const file = env[`${name}_FILE`];
  if (!file) return { value };
  if (value !== undefined) return { problem: `${name} and ${name}_FILE are both set: keep one of them` };
  try {
    return { value: readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined };
  } catch (error) {
    return { problem: `${name}_FILE: cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Freezes the objects of a configuration, at every level that is a plain object, and returns it. */
export function deepFreeze<T extends object>(config: T): Readonly<T> {
  for (const value of Object.values(config) as unknown[]) {
    if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
      deepFreeze(value);
    }
  }
  return Object.freeze(config);
}

/** A whole number of the given unit within limits, written in decimal digits. */
export function wholeNumber(minimum: number, maximum: number) {
  const message = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, message);
}
