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
