import type { DigestRecord, RecipientRecord, RequestRecord } from '../../domain/digest.ts';
import {
  catchUpRules,
  digestDirections,
  digestEventTypes,
  digestItemKinds,
  digestStatuses,
  firstItemRules,
  requestEventTypes,
  requestOutcomes,
  requestStatuses,
} from '../../domain/digest.ts';
import { builder } from '../builder.ts';

// What the types of requests, digests and their recipients name of each other.

export const RequestRef = builder.objectRef<RequestRecord>('Request');
export const DigestRef = builder.objectRef<DigestRecord>('Digest');
export const ProviderRef = builder.objectRef<RecipientRecord>('Provider');
export const CustomerRef = builder.objectRef<RecipientRecord>('Customer');

export const RequestStatusEnum = builder.enumType('RequestStatus', {
  values: requestStatuses,
  description:
    'RECEIVED waits in a window of its provider, NOTIFIED was sent to it. ANSWERED: its customer has not been told yet. OVERDUE: not answered in time. CLOSED: not answered at all.',
});
export const RequestOutcomeEnum = builder.enumType('RequestOutcome', { values: requestOutcomes });
export const DigestStatusEnum = builder.enumType('DigestStatus', {
  values: digestStatuses,
  description: 'OPEN takes what comes. SEALED has its final content. SKIPPED sent nothing.',
});
export const DigestDirectionEnum = builder.enumType('DigestDirection', { values: digestDirections });
export const DigestItemKindEnum = builder.enumType('DigestItemKind', { values: digestItemKinds });
export const RequestEventTypeEnum = builder.enumType('RequestEventType', { values: requestEventTypes });
export const DigestEventTypeEnum = builder.enumType('DigestEventType', { values: digestEventTypes });
export const FirstItemRuleEnum = builder.enumType('FirstItemRule', {
  values: firstItemRules,
  description: 'AT_ONCE: the first request of a window is sent ahead of it, the others when it ends.',
});
export const CatchUpRuleEnum = builder.enumType('CatchUpRule', {
  values: catchUpRules,
  description: 'After an outage of several windows, or a pause: one mail for all of them, or one each.',
});
