import { getContainerRuntimeClient, ImageName } from 'testcontainers';
import { withDeadline } from '../../runtime/deadline.js';

export const images = {
  postgres: 'postgres:18',
  rabbitmq: 'rabbitmq:4-management',
  temporal: 'temporalio/temporal:latest',
} as const;

/** Removes the containers of a test run that was killed. Testcontainers does without it when it is told to. */
const reaperImage = 'testcontainers/ryuk:0.14.0';

const answerLimitMs = 10_000;
const pullLimitMs = 10 * 60_000;

/**
 * Sees to it that containers can be started here: Docker answers, and every image is there or is pulled now.
 * @param report receives a line for each image that is pulled
 * @returns what is in the way, undefined when nothing is
 */
export async function provideContainers(print: (line: string) => void): Promise<string | undefined> {
  try {
    await withDeadline('asking Docker', answerLimitMs, getContainerRuntimeClient());
  } catch (error) {
    return `Docker does not answer (${messageOf(error)})`;
  }
  for (const image of Object.values(images)) {
    const problem = await provideImage(image, print);
    if (problem !== undefined) return `the image ${image} cannot be had (${problem})`;
  }
  if (process.env['TESTCONTAINERS_RYUK_DISABLED'] === undefined) {
    const problem = await provideImage(reaperImage, print);
    if (problem !== undefined) {
      process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
      print(`${reaperImage} cannot be had: what a killed run leaves behind is removed by the next run`);
    }
  }
  return undefined;
}

/** Undefined when the image is here now; else why not. */
async function provideImage(image: string, print: (line: string) => void): Promise<string | undefined> {
  const client = await getContainerRuntimeClient();
  const name = ImageName.fromString(image);
  try {
    if (await client.image.exists(name)) return undefined;
    print(`pulling ${image}`);
    await withDeadline(`pulling ${image}`, pullLimitMs, client.image.pull(name));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
