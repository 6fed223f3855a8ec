import { DocumentRecord } from './document-record.ts';
import { TopicRecord } from './topic-record.ts';

/** Every entity, listed; nothing is found by pattern. */
export const entities = [DocumentRecord, TopicRecord];
