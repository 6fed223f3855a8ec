import type { Config } from '../../config.ts';
import type { Check } from './check.ts';
import { ok, reasonOf, warning } from './check.ts';

const answerMilliseconds = 3_000;

/** Asks the gateway how it is. The other commands work without it, so its silence is only a warning. */
export async function checkGateway({ publicUrl }: Config): Promise<Check> {
  const name = 'gateway';
  const remedy = 'npm start, or start src/gateway.ts; PUBLIC_URL says where it is looked for';
  try {
    const answer = await fetch(`${publicUrl}/readyz`, { signal: AbortSignal.timeout(answerMilliseconds) });
    const text = (await answer.text()).trim().slice(0, 200);
    return answer.ok ? ok(name, `${publicUrl} is ready`) : warning(name, `${publicUrl} is not ready: ${text}`, remedy);
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return warning(name, `${publicUrl} does not answer: ${reasonOf(cause)}`, remedy);
  }
}
