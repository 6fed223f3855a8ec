import { Migration0001EngineAndCases } from './0001-engine-and-cases.ts';
import { Migration0002JobsAndTasks } from './0002-jobs-and-tasks.ts';
import { Migration0003PriorityQueue } from './0003-priority-queue.ts';
import { Migration0004TaskControl } from './0004-task-control.ts';
import { Migration0005RequestsAndDigests } from './0005-requests-and-digests.ts';
import { Migration0006Mails } from './0006-mails.ts';
import { Migration0007MailAndDigestUpkeep } from './0007-mail-and-digest-upkeep.ts';
import { Migration0008OperatorActs } from './0008-operator-acts.ts';
import { Migration0011FasterQueue } from './0011-faster-queue.ts';

/** In order; only ever appended to. */
export const migrations = [
  { name: '0001-engine-and-cases', class: Migration0001EngineAndCases },
  { name: '0002-jobs-and-tasks', class: Migration0002JobsAndTasks },
  { name: '0003-priority-queue', class: Migration0003PriorityQueue },
  { name: '0004-task-control', class: Migration0004TaskControl },
  { name: '0005-requests-and-digests', class: Migration0005RequestsAndDigests },
  { name: '0006-mails', class: Migration0006Mails },
  { name: '0007-mail-and-digest-upkeep', class: Migration0007MailAndDigestUpkeep },
  { name: '0008-operator-acts', class: Migration0008OperatorActs },
  { name: '0011-faster-queue', class: Migration0011FasterQueue },
] as const;
