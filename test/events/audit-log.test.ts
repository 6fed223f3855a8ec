import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/domain/actor.ts';
import type { AuditLogArguments } from '../../src/events/audit-log.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, startEngine } from '../support/engine.ts';
import { waitUntil } from '../support/wait-until.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const ann: Actor = person('ann', 'auditor');
const olga: Actor = person('olga', 'operator');

function person(subject: string, role: 'auditor' | 'operator', namespace = 'acme'): Actor {
  return { subject, namespace, roles: new Set([role]), expiresAtSeconds: undefined };
}

function look(filter: AuditLogArguments['filter'] = {}, first = 10, after: string | null = null) {
  return engine.foundation.services.auditLog(olga, { namespace: 'acme', filter, first, after });
}

describe('auditLog', () => {
  it('tells who did what to what and why, the last first, page by page', async () => {
    const { services } = engine.foundation;
    const registered = await services.register(alice, { ...application, topic: 'audited' });
    if (registered.kind !== 'registered') throw new Error(registered.kind);
    const id = registered.held.case.id;
    const claimed = await services.claimCase(ann, { caseId: id, leaseSeconds: null });
    if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
    const leaseToken = claimed.held.lease!.token;
    await services.releaseCase(ann, { caseId: id, leaseToken, reason: 'not mine to judge' });

    // Events show when no older transaction runs, and other test files have some on the same server.
    await waitUntil('all is on record', async () => (await look({ system: 'cases' })).edges.length === 3);
    const whole = await look({ system: 'cases' });
    expect(whole.edges.map(({ node }) => [node.type, node.actor, node.aboutId, node.topic, node.reason])).toEqual([
      ['RELEASED', 'ann', id, 'audited', 'not mine to judge'],
      ['CLAIMED', 'ann', id, 'audited', null],
      ['REGISTERED', alice.subject, id, 'audited', null],
    ]);
    expect(whole.hasNextPage).toBe(false);

    const one = await look({ system: 'cases' }, 2);
    expect([one.edges.length, one.hasNextPage]).toEqual([2, true]);
    const rest = await look({ system: 'cases' }, 2, one.endCursor);
    expect([...one.edges, ...rest.edges].map(({ node }) => node.type)).toEqual(['RELEASED', 'CLAIMED', 'REGISTERED']);
    expect(rest.hasNextPage).toBe(false);

    expect((await look({ actor: 'ann', type: 'CLAIMED' })).edges).toHaveLength(1);
    expect((await look({ actor: 'nobody' })).edges).toEqual([]);
  });

  it('tells of pauses, settings and limits, too: who set what and why', async () => {
    const { services } = engine.foundation;
    const place = { namespace: 'acme', topic: 'steered' };
    const root: Actor = { ...olga, subject: 'root', namespace: '*' };
    await services.upsertTopic(olga, {
      namespace: 'acme',
      name: 'steered',
      maxDepth: 5,
      ttlSeconds: null,
      reason: 'small',
    });
    await services.pauseTopic(olga, { ...place, reason: 'the disk is full' });
    expect((await services.findTopic(olga, 'acme', 'steered'))!.pause).toMatchObject({ by: 'olga' });
    await services.resumeTopic(olga, { ...place, reason: 'it is not' });
    await services.setNamespaceLimits(root, { namespace: 'acme', maxInFlight: 7 });
    await services.limitTaskKind(olga, { namespace: 'acme', kind: 'webhook', concurrencyMax: 2, reason: 'be gentle' });
    const provider = await services.upsertProvider(olga, {
      namespace: 'acme',
      externalId: 'crane-hire',
      email: 'office@crane.example',
      timeZone: 'UTC',
      window: { every: 'PT4H' },
    });
    await services.pauseDigests(olga, { providerId: provider.id, reason: 'on holiday' });
    await services.resumeDigests(olga, { providerId: provider.id });

    const told = async () => (await look({}, 7)).edges.map(({ node }) => node);
    await waitUntil('all is on record', async () => (await told())[0]?.type === 'PROVIDER_RESUMED');
    const [resumed, ...before] = await told();
    expect(resumed).toMatchObject({ system: 'digests', topic: 'crane-hire', aboutId: provider.id, reason: null });
    expect(before.map(({ system, topic, type, actor, reason }) => [system, topic, type, actor, reason])).toEqual([
      ['digests', 'crane-hire', 'PROVIDER_PAUSED', 'olga', 'on holiday'],
      ['tasks', 'webhook', 'LIMITED', 'olga', 'to 2 at once, at any rate: be gentle'],
      ['queue', 'all topics', 'LIMITS_SET', 'root', 'depth max none, in flight max 7, enqueues per second none'],
      ['queue', 'steered', 'RESUMED', 'olga', 'it is not'],
      ['queue', 'steered', 'PAUSED', 'olga', 'the disk is full'],
      ['queue', 'steered', 'SETTINGS_CHANGED', 'olga', 'depth max 5, ttl seconds none: small'],
    ]);
    const queue = await look({ system: 'queue', actor: 'olga', type: 'PAUSED' });
    expect(queue.edges.map(({ node }) => node.topic)).toEqual(['steered']);
    const steering = await look({ steering: true }, 100);
    expect(steering.edges).toHaveLength(7);
    expect(steering.edges.map(({ node }) => node.type)).not.toContain('REGISTERED');
  });

  it('is for supervisors and operators of the namespace alone', async () => {
    const { auditLog } = engine.foundation.services;
    const input = { namespace: 'acme', filter: {}, first: 10, after: null };
    await expect(auditLog(ann, input)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(auditLog(person('eve', 'operator', 'other'), input)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(auditLog(undefined, input)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(auditLog(olga, { ...input, after: 'bm90IGEgY3Vyc29y' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    const elsewhere = await auditLog(person('eve', 'operator', 'other'), { ...input, namespace: 'other' });
    expect(elsewhere.edges).toEqual([]);
  });
});
