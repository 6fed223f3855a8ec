import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Foundation } from '../../compose.ts';
import { loadStatement } from '../../postgres/sql.ts';
import { exampleNamespace } from '../seed/example-cases.ts';
import { registerExamples } from '../seed/register-examples.ts';
import { writePrivately } from './settings.ts';

const hasCases = loadStatement('has-cases');

/**
 * Registers the example data once: on the first start, on the next one after a start that was cut off, and in a
 * database that is new. What people did with it afterwards stays as it is.
 * @returns what to say about it
 */
export async function seedOnce(home: string, foundation: Foundation, signal: AbortSignal): Promise<string> {
  const marker = join(home, 'seeded');
  const rows = await foundation.shard.run<{ found: boolean }>(hasCases, [exampleNamespace]);
  if (existsSync(marker) && rows[0]?.found === true) return 'kept';
  const { registered, documents } = await registerExamples(foundation, signal);
  writePrivately(
    marker,
    'The example data was registered. Without this file the next start looks for missing cases.\n',
  );
  return registered === 0 ? 'kept' : `${registered} cases with ${documents} documents`;
}
