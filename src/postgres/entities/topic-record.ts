import { defineEntity, p } from '@mikro-orm/core';

export const TopicRecord = defineEntity({
  name: 'TopicRecord',
  tableName: 'topics',
  properties: {
    id: p.integer().primary(),
    namespace: p.text(),
    system: p.text(),
    name: p.text(),
    leaseSeconds: p.integer(),
    excludesEarlierHolders: p.boolean(),
    pausedAt: p.datetime().nullable(),
    pausedUntil: p.datetime().nullable(),
    pauseReason: p.text().nullable(),
    createdAt: p.datetime(),
  },
});
