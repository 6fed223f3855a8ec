import type { CaseHistoryPage } from './cases/case-history.ts';
import type { HeldCase } from './cases/case-rows.ts';
import type { ClaimCaseInput, ClaimCaseResult } from './cases/claim-case.ts';
import type { ClaimNextCaseInput, ClaimNextCaseResult } from './cases/claim-next.ts';
import type { DecideInput, DecideResult } from './cases/decide.ts';
import type { ExtendLeaseInput, ExtendLeaseResult } from './cases/extend.ts';
import type { CaseTopic } from './cases/list-case-topics.ts';
import type { CaseList, CaseListArguments } from './cases/list-cases.ts';
import type { RegisterInput, RegisterResult } from './cases/register.ts';
import type { ReleaseCaseInput, ReleaseCaseResult } from './cases/release.ts';
import type { CaseStore } from './cases/store.ts';
import type { CaseUpdate, WatchCasesArguments } from './cases/watch.ts';
import type { DigestServices } from './digests/services.ts';
import type { CaseExport } from './documents/case-exports.ts';
import type { CreatedUpload, CreateUploadInput } from './documents/create-upload.ts';
import type { CheckedDocument } from './documents/document-checks.ts';
import type { Actor } from './domain/actor.ts';
import type { JobRecord } from './domain/task.ts';
import type { AuditLogArguments, AuditLogPage } from './events/audit-log.ts';
import type { TakenBounce } from './mail/bounces/take-bounce.ts';
import type { MailServices } from './mail/read-mails.ts';
import type { DequeueServices, QueueServices } from './priority-queue/services.ts';
import type { RoutingServices } from './shards/routing-services.ts';
import type { JobSubject } from './tasks/jobs-about.ts';
import type { JobWatchServices, TaskServices } from './tasks/services.ts';

/** Who asks; undefined without a token. Every verb checks role and namespace itself. */
type Asker = Actor | undefined;

/** What resolvers stand on: one function a verb. */
export interface Services
  extends TaskServices,
    JobWatchServices,
    MailServices,
    QueueServices,
    DequeueServices,
    RoutingServices,
    DigestServices {
  /** The name of a case's topic. */
  readonly topicName: (caseId: string, topicId: number) => string | Promise<string>;
  /** The newest jobs about a case. Who may see them is the caller's business. */
  readonly jobsAbout: (subject: JobSubject) => Promise<readonly JobRecord[]>;
  /** The last check of a document. Who may see it is the caller's business. */
  readonly findDocumentCheck: (documentId: string) => Promise<CheckedDocument | undefined>;
  /** The exported audit trail of a case. Who may see it is the caller's business. */
  readonly findCaseExport: (caseId: string) => Promise<CaseExport | undefined>;
  readonly caseStore: Pick<CaseStore, 'find' | 'get' | 'documents'>;
  readonly createUpload: (actor: Asker, input: CreateUploadInput) => Promise<CreatedUpload>;
  readonly register: (actor: Asker, input: RegisterInput) => Promise<RegisterResult>;
  readonly claimNextCase: (
    actor: Asker,
    input: ClaimNextCaseInput,
    signal: AbortSignal,
  ) => Promise<ClaimNextCaseResult>;
  readonly claimCase: (actor: Asker, input: ClaimCaseInput) => Promise<ClaimCaseResult>;
  readonly extendLease: (actor: Asker, input: ExtendLeaseInput) => Promise<ExtendLeaseResult>;
  readonly releaseCase: (actor: Asker, input: ReleaseCaseInput) => Promise<ReleaseCaseResult>;
  readonly decide: (actor: Asker, input: DecideInput) => Promise<DecideResult>;
  readonly findCase: (actor: Asker, id: string) => Promise<HeldCase>;
  readonly listCases: (actor: Asker, input: CaseListArguments) => Promise<CaseList>;
  readonly listCaseTopics: (actor: Asker, namespace: string) => Promise<readonly CaseTopic[]>;
  readonly myLeases: (actor: Asker, namespace: string) => Promise<readonly HeldCase[]>;
  readonly caseHistory: (caseId: string, first: number, after: string | null) => Promise<CaseHistoryPage>;
  readonly watchCases: (actor: Asker, input: WatchCasesArguments) => Promise<AsyncIterableIterator<CaseUpdate>>;
  readonly takeBounce: (actor: Asker, raw: Uint8Array) => Promise<TakenBounce>;
  readonly auditLog: (actor: Asker, input: AuditLogArguments) => Promise<AuditLogPage>;
  /** A signed URL under which a document can be read for a minute. */
  readonly documentUrl: (documentId: string, namespace: string) => string;
}
