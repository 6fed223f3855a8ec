import type { CaseTopic } from '../../cases/list-case-topics.ts';
import { limits } from '../../domain/limits.ts';
import { builder } from '../builder.ts';

const CaseTopicRef = builder.objectRef<CaseTopic>('CaseTopic').implement({
  description: `A topic of cases with how much lies on it. Counts end at ${limits.itemsCounted.toLocaleString('en')}.`,
  fields: (t) => ({
    name: t.exposeString('name'),
    paused: t.exposeBoolean('paused', { description: 'Nothing of it is handed out now.' }),
    waiting: t.exposeInt('waiting'),
    held: t.exposeInt('held'),
    oldestWaitingSince: t.expose('oldestWaitingSince', {
      type: 'DateTime',
      nullable: true,
      description: 'When the oldest case that waits was registered.',
    }),
  }),
});

builder.queryFields((t) => ({
  caseTopics: t.field({
    type: [CaseTopicRef],
    authScopes: { roles: ['auditor', 'supervisor', 'operator'] },
    args: { namespace: t.arg.string({ required: true }) },
    resolve: async (_root, { namespace }, { actor, services }) => [
      ...(await services.listCaseTopics(actor, namespace)),
    ],
  }),
}));
