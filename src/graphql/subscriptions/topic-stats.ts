import { queueReaders } from '../../priority-queue/roles.ts';
import type { TopicStats } from '../../priority-queue/topic-stats.ts';
import { builder } from '../builder.ts';

const TopicStatsRef = builder.objectRef<TopicStats>('TopicStats').implement({
  description:
    'How a topic of the priority queue stands. Rates are items a second, of all gateways, since it was told last.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime' }),
    depth: t.exposeInt('depth', { description: 'Open items in the topic: ready, delayed and leased.' }),
    ready: t.exposeInt('ready'),
    delayed: t.exposeInt('delayed'),
    leased: t.exposeInt('leased'),
    dead: t.exposeInt('dead', { description: 'Dead letters that come from it.' }),
    oldestReadySeconds: t.exposeFloat('oldestReadySeconds', { nullable: true }),
    enqueuedPerSecond: t.float({ resolve: ({ rates }) => rates.enqueued }),
    deliveredPerSecond: t.float({ resolve: ({ rates }) => rates.delivered }),
    ackedPerSecond: t.float({ resolve: ({ rates }) => rates.acked }),
    nackedPerSecond: t.float({ resolve: ({ rates }) => rates.nacked }),
  }),
});

builder.subscriptionField('topicStats', (t) =>
  t.field({
    type: TopicStatsRef,
    description: 'How a topic stands, at once and then every second; less often when it takes long to count.',
    authScopes: { roles: queueReaders },
    args: { namespace: t.arg.string({ required: true }), topic: t.arg.string({ required: true }) },
    subscribe: (_root, args, { actor, services }) => services.watchTopicStats(actor, args),
    resolve: (stats) => stats,
  }),
);
