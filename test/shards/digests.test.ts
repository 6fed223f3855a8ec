import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Foundation } from '../../src/compose.ts';
import type { Actor } from '../../src/domain/actor.ts';
import { shardOf } from '../../src/domain/ids.ts';
import { digestOf, readMails, timelineOf, untilRequest } from '../digests/digest-engine.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine } from '../support/engine.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { startWorker } from '../tasks/task-engine.ts';

const mailbox = uniqueDirectory('mailbox');
let engine: TestEngine;
let other: Foundation;
let stopWorker: () => Promise<void>;
beforeAll(async () => {
  engine = await startEngine({ MAIL_FOLDER: mailbox }, { shards: 2, proxied: true });
  await engine.startScheduler();
  other = await engine.another();
  stopWorker = await startWorker(await engine.another(), engine.foundation.taskHandlers);
});
afterAll(async () => {
  await stopWorker();
  await engine.stop();
});

const operatorOf = (namespace: string): Actor => ({ ...actor('olga', 'operator'), namespace });

function saveProvider(foundation: Foundation, namespace: string, externalId = 'p') {
  return foundation.services.upsertProvider(operatorOf(namespace), {
    namespace,
    externalId,
    email: `${externalId}@${namespace}.example`,
    window: { every: 'P7D' },
  });
}

async function submit(foundation: Foundation, namespace: string): Promise<string> {
  const result = await foundation.services.submitRequest(operatorOf(namespace), {
    namespace,
    customer: { externalId: 'c', email: `c@${namespace}.example` },
    providerExternalId: 'p',
    item: { externalId: '22633', quantity: 6 },
    idempotencyKey: 'first',
  });
  if (result.kind !== 'submitted') throw new Error(result.kind);
  return result.request.id;
}

/** Namespaces of which the digests lie on the first shard and on the second. */
async function settleBoth(): Promise<readonly [string, string]> {
  const homes = new Map<number, string>();
  for (let number = 1; homes.size < 2; number++) {
    const { id } = await saveProvider(engine.foundation, `tenant-${number}`);
    homes.set(shardOf(id), `tenant-${number}`);
  }
  return [homes.get(0)!, homes.get(1)!];
}

describe('requests and digests over two shards', () => {
  it('lie on their namespace’s shard, and go from the request to its answer wherever that is', async () => {
    const follow = async (namespace: string): Promise<void> => {
      const operator = operatorOf(namespace);
      const provider = await saveProvider(other, namespace);
      const id = await submit(other, namespace);
      // The same key finds the same request from another process.
      expect(await submit(engine.foundation, namespace)).toBe(id);
      const digest = await digestOf(other, id);
      expect([id, digest.id, digest.jobId].map(shardOf)).toEqual(Array(3).fill(shardOf(provider.id)));
      const updates = await other.services.watchRequests(operator, { namespace, requestId: id });
      await other.services.flushDigest(operator, { digestId: digest.id });
      await untilRequest(other, id, 'NOTIFIED');
      const responses = [{ requestId: id, outcome: 'AVAILABLE' } as const];
      const [result] = await other.services.respondToRequests(operator, { namespace, responses });
      expect(result?.kind).toBe('answered');
      await untilRequest(other, id, 'CUSTOMER_NOTIFIED');
      const seen: string[] = [];
      for await (const update of updates) {
        // Whether the first one is past or live depends on how far the relay is.
        if (update.type !== 'RECEIVED') seen.push(update.type);
        if (update.type === 'CUSTOMER_NOTIFIED') break;
      }
      expect(seen).toEqual(['IN_DIGEST', 'NOTIFIED', 'ANSWERED', 'CUSTOMER_NOTIFIED']);
      expect(await timelineOf(engine.foundation, id)).toEqual(['RECEIVED', ...seen]);
      const lists = [
        await other.services.listRequests(operator, { namespace, first: 10 }),
        await other.services.listProviders(operator, { namespace, first: 10 }),
        await other.services.listCustomers(operator, { namespace, first: 10 }),
      ];
      expect(lists.map(({ edges }) => edges.length)).toEqual([1, 1, 1]);
      expect((await other.services.listDigests(operator, { namespace, first: 10 })).edges).toHaveLength(2);
      expect((await other.services.previewDigest(operator, digest.id, 1)).isFinal).toBe(true);
      expect(other.digestResponderOf(digest.id)?.shard.number).toBe(shardOf(id));
      const to = (await readMails(mailbox)).map((mail) => mail.to?.[0]?.address);
      expect(to).toEqual(expect.arrayContaining([`p@${namespace}.example`, `c@${namespace}.example`]));
    };
    await Promise.all((await settleBoth()).map(follow));
  });

  it('have one home, whoever is first', async () => {
    const third = await engine.another();
    for (let round = 0; round < 4; round++) {
      const namespace = `crowd-${round}`;
      const saved = await Promise.all(
        [engine.foundation, other, third].flatMap((foundation, index) => [
          saveProvider(foundation, namespace, `p-${index}`),
          saveProvider(foundation, namespace, `q-${index}`),
        ]),
      );
      expect(new Set(saved.map(({ id }) => shardOf(id))).size).toBe(1);
      const listed = await other.services.listProviders(operatorOf(namespace), { namespace, first: 10 });
      expect(listed.edges).toHaveLength(6);
    }
  });

  it('stay where they were before homes were kept', async () => {
    const namespace = 'legacy';
    const { id } = await saveProvider(engine.foundation, namespace);
    const pool = await engine.foundation.shard.pool();
    await pool.query(`delete from digest_homes where namespace = $1`, [namespace]);
    const fresh = await engine.another();
    expect((await saveProvider(fresh, namespace, 'another')).id.slice(14, 18)).toBe(id.slice(14, 18));
  });

  it('of another shard go on when one is away; what might lie there is not made anew elsewhere', async () => {
    const [onFirst, onSecond] = await settleBoth();
    const fresh = await engine.another();
    await engine.proxies[1]!.close();
    const { edges } = await fresh.services.listRequests(operatorOf(onFirst), { namespace: onFirst, first: 1 });
    const digest = await digestOf(fresh, edges[0]!.node.id);
    expect((await fresh.services.resendDigest(operatorOf(onFirst), { digestId: digest.id })).kind).toBe('done');
    await expect(submit(fresh, onSecond)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(saveProvider(fresh, 'brand-new')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(saveProvider(fresh, 'Not A Name')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});
