import './types/audit-log.ts';
import './types/case.ts';
import './types/audit-export.ts';
import './types/case-jobs.ts';
import './types/document-check.ts';
import './types/digest.ts';
import './types/recipient.ts';
import './types/request.ts';
import './types/mail.ts';
import './types/case-topic.ts';
import './types/problems.ts';
import './types/task.ts';
import './types/queue.ts';
import './types/routing.ts';
import './types/task-control.ts';
import './types/task-schedule.ts';
import './mutations/create-upload.ts';
import './mutations/register.ts';
import './mutations/claim.ts';
import './mutations/lease.ts';
import './mutations/decide.ts';
import './mutations/create-job.ts';
import './mutations/retry-task.ts';
import './mutations/settle-mail.ts';
import './mutations/report-bounce.ts';
import './mutations/update-task.ts';
import './mutations/cancel-task.ts';
import './mutations/operate-digests.ts';
import './mutations/respond-to-requests.ts';
import './mutations/submit-request.ts';
import './mutations/upsert-provider.ts';
import './mutations/claim-tasks.ts';
import './mutations/report-task.ts';
import './mutations/upsert-topic.ts';
import './mutations/namespace-limits.ts';
import './mutations/enqueue.ts';
import './mutations/dequeue.ts';
import './mutations/ack.ts';
import './mutations/steer-queue.ts';
import './mutations/route.ts';
import './subscriptions/case-updated.ts';
import './subscriptions/job-updated.ts';
import './subscriptions/request-updated.ts';
import './subscriptions/topic-stats.ts';
import type { GraphQLSchema } from 'graphql';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { builder } from './builder.ts';

/** The schema; the files above add their types and fields to the builder. */
export const schema: GraphQLSchema = builder.toSchema();

/** The schema's text as it stands in `schema.graphql`. */
export function printOwnSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
