import { issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';

const namespace = 'acme';
const topic = 'thumbnails';

/** Gives a system of example data something to show beside its cases: tasks, a queue, requests. */
export class ExampleWork {
  readonly #url: string;
  readonly #authSecret: string;
  readonly #receiver: string;

  /** @param receiver takes webhooks; those to `/gone` it refuses for good */
  constructor(url: string, authSecret: string, receiver: string) {
    this.#url = url;
    this.#authSecret = authSecret;
    this.#receiver = receiver;
  }

  async createJobs(): Promise<void> {
    for (let order = 1; order <= 14; order++) {
      const path = order % 4 === 0 ? '/gone' : '/orders';
      await this.#ask('shop', 'producer', 'createJob', 'CreateJobInput', {
        kind: order % 3 === 0 ? 'account-closed' : 'order-placed',
        externalId: `order-${4_200 + order}`,
        tasks: [
          { kind: 'webhook', name: 'tell-warehouse', payload: { url: `${this.#receiver}${path}`, body: { order } } },
          {
            kind: 'webhook',
            name: 'tell-accounting',
            payload: {
              url: `http://127.0.0.1:${order % 5 === 0 ? 9 : new URL(this.#receiver).port}/`,
              body: { order },
            },
          },
        ],
      });
    }
  }

  async collectRequests(): Promise<void> {
    const names = ['Northwind Traders', 'Contoso Parts', 'Fabrikam Supply'];
    for (const [index, name] of names.entries()) {
      const externalId = `provider-${index + 1}`;
      await this.#ask('olga', 'operator', 'upsertProvider', 'UpsertProviderInput', {
        externalId,
        name,
        email: `orders@${externalId}.example`,
        timeZone: 'Europe/Helsinki',
        window: { every: 'PT4H' },
      });
      for (let number = 1; number <= 4 + index * 3; number++) {
        await this.#ask('shop', 'producer', 'submitRequest', 'SubmitRequestInput', {
          customer: { externalId: `customer-${number}`, email: `customer-${number}@example.com` },
          providerExternalId: externalId,
          item: { externalId: `part-${number}`, description: `Bearing 62${number}0`, quantity: number * 10 },
          answerWithinDays: 3,
        });
      }
    }
  }

  /** Some cases are decided, by an auditor without a browser. */
  async decideSome(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const claimed = await this.#ask(
        'carol',
        'auditor',
        'claimNextCase',
        'ClaimNextCaseInput',
        { topics: ['kyc-fast', 'cases'] },
        '... on CaseClaimed { case { id } lease { token } }',
      );
      const { case: found, lease } = claimed as { case: { id: string }; lease: { token: string } };
      await this.#ask('carol', 'auditor', 'decide', 'DecideInput', {
        namespace: undefined,
        caseId: found.id,
        leaseToken: lease.token,
        verdict: index === 1 ? 'REJECT' : 'APPROVE',
        reason: index === 1 ? 'A document has expired.' : null,
      });
    }
  }

  async createTopic(): Promise<void> {
    await this.#ask('olga', 'operator', 'upsertTopic', 'UpsertTopicInput', {
      name: topic,
      maxAttempts: 2,
      deadLetterTopic: `${topic}-dead`,
      leaseSeconds: 30,
    });
  }

  /** Producers and consumers at a topic for a while, in waves. */
  async workQueue(milliseconds: number): Promise<void> {
    const until = Date.now() + milliseconds;
    for (let round = 0; Date.now() < until; round++) {
      const items = Array.from({ length: 20 + 15 * (round % 6) }, (_, index) => ({
        topic,
        priority: index % 5,
        payload: Buffer.from(`picture ${round}-${index}`).toString('base64'),
        deliverAfter: index % 12 === 0 ? new Date(Date.now() + 8_000).toISOString() : null,
      }));
      await this.#ask('shop', 'producer', 'enqueue', 'EnqueueInput', { items });
      const taken = (await this.#ask(
        'resizer',
        'consumer',
        'dequeue',
        'DequeueInput',
        { requests: [{ topic, count: 50 }] },
        '... on ItemsDequeued { items { item { id } lease { token } } }',
      )) as { items: readonly { item: { id: string }; lease: { token: string } }[] };
      const leases = taken.items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
      const broken = leases
        .filter((_, index) => index % 17 === 3)
        .map((lease) => ({ ...lease, reason: 'not a picture' }));
      const good = leases.filter((_, index) => index % 17 !== 3).slice(0, -4);
      if (broken.length > 0) await this.#ask('resizer', 'consumer', 'nack', 'NackInput', { leases: broken });
      if (good.length > 0) await this.#ask('resizer', 'consumer', 'ack', 'AckInput', { leases: good });
      await new Promise((resolve) => setTimeout(resolve, 350));
    }
  }

  /** @returns the result of the mutation */
  async #ask(subject: string, role: Role, field: string, type: string, input: object, fields = ''): Promise<unknown> {
    const token = await issueToken({
      subject,
      namespace,
      roles: [role],
      secret: this.#authSecret,
      expiresInSeconds: 600,
    });
    const response = await fetch(`${this.#url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        query: `mutation ($input: ${type}!) { ${field}(input: $input) { __typename ${fields} } }`,
        variables: { input: { namespace, ...input } },
      }),
    });
    const { data, errors } = (await response.json()) as { data?: Record<string, unknown>; errors?: unknown };
    if (errors !== undefined) throw new Error(`${field}: ${JSON.stringify(errors)}`);
    return data![field];
  }
}
