import { hasAnyRole } from '../../domain/actor.ts';
import { taskReaders } from '../../tasks/find-task.ts';
import { builder } from '../builder.ts';
import { CaseRef } from './case.ts';
import { JobRef } from './task.ts';

builder.objectField(CaseRef, 'jobs', (t) =>
  t.field({
    type: [JobRef],
    nullable: true,
    complexity: { field: 1, multiplier: 5 },
    description:
      'What has to be done because of the case: its mails and checks. The newest 10, newest first; for those who may see tasks.',
    resolve: async ({ case: { id, namespace } }, _args, { actor, services }) => {
      if (actor === undefined || !hasAnyRole(actor, taskReaders)) return null;
      return [...(await services.jobsAbout({ namespace, externalId: id }))];
    },
  }),
);
