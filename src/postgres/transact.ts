import type { PoolClient } from 'pg';
import type { Shard } from './shard.ts';

/** Runs several statements in one transaction, for what is not hot. Throws what the body or the database throws. */
export async function transact<Result>(shard: Shard, body: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await (await shard.pool()).connect();
  let broken = true;
  try {
    await client.query('begin');
    const result = await body(client);
    await client.query('commit');
    broken = false;
    return result;
  } finally {
    client.release(broken); // the server rolls back what a closed connection had begun
  }
}
