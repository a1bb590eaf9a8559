import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readConfig as readOrderApiConfig, variableNames as orderApiVariables } from '../../order-api/config.js';
import { readConfig as readProcessorConfig, variableNames as processorVariables } from '../../processor/config.js';

describe('.env.example', () => {
  const file = new URL('../../.env.example', import.meta.url);
  const listed = new Map<string, string>();
  for (const [, off = '', name = '', value = ''] of readFileSync(file, 'utf8').matchAll(
    /^(# )?([A-Z][A-Z0-9_]*)=(.*)$/gm,
  )) {
    if (!off || !listed.has(name)) listed.set(name, off ? '' : value);
  }
  const addresses = { APP__DB_DSN: 'postgresql://localhost/orders', APP__RABBITMQ_URL: 'amqp://localhost' };

  it('lists every variable that the services read', () => {
    const missing = [...new Set([...orderApiVariables, ...processorVariables])].filter((name) => !listed.has(name));
    assert.deepEqual(missing, []);
    assert.ok(listed.has('TEMPORAL_ADDRESS') && listed.has('TEMPORAL_NAMESPACE'));
  });

  it('gives every variable its default value', () => {
    const set = Object.fromEntries([...listed].filter(([, value]) => value !== ''));
    assert.deepEqual(readOrderApiConfig({ ...addresses, ...set }), readOrderApiConfig(addresses));
    assert.deepEqual(readProcessorConfig({ ...addresses, ...set }), readProcessorConfig(addresses));
  });
});
