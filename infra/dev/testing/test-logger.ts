import { createLogger } from '../../runtime/logger.js';

/** The logger for the code under test. It is silent unless TEST_LOG_LEVEL sets a level, e.g. `debug`. */
export const testLogger = createLogger('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');
