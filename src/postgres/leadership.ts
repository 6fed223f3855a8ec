import type { PoolClient } from 'pg';
import type { Shard } from './shard.ts';

/** A leader that sends nothing for this long is frozen, and its session is ended so that another can lead. */
const silenceMilliseconds = 5_000;

/**
 * Does something that only one process should do at a time, on a connection of its own that holds an advisory lock.
 * The lock ends with the connection, so a process that dies gives way at once, and one
 * that freezes after five seconds.
 * @returns false when another process is doing it
 */
export async function leadWhile(
  shard: Shard,
  role: string,
  body: (client: PoolClient) => Promise<void>,
): Promise<boolean> {
  const client = await (await shard.pool()).connect();
  // A lost connection is reported by the next statement on it; without a listener it would end the process.
  const ignoreLoss = (): void => undefined;
  client.on('error', ignoreLoss);
  let broken = true;
  try {
    const result = await client.query<{ locked: boolean }>('select pg_try_advisory_lock(hashtext($1)) as locked', [
      role,
    ]);
    if (result.rows[0]?.locked !== true) {
      broken = false;
      return false;
    }
    await client.query(`set idle_session_timeout = ${silenceMilliseconds}`);
    await body(client);
    await client.query('reset idle_session_timeout');
    await client.query('select pg_advisory_unlock(hashtext($1))', [role]);
    broken = false;
    return true;
  } finally {
    client.off('error', ignoreLoss);
    client.release(broken); // one that failed, or may still have the lock, is thrown away
  }
}
