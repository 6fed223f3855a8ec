/**
 * Every bound of the product in one place, the unit last in the name.
 * A limit that an operator may move is read through `config.ts`, which starts from these values.
 */
export const limits = {
  bodyBytes: 1_000_000,
  documentBytes: 20_000_000,
  documentsPerCase: 20,
  applicantDetailsBytes: 32_768,
  nameCharacters: 63,
  textCharacters: 200,
  fileNameCharacters: 200,
  reasonCharacters: 2_000,
  idempotencyKeyCharacters: 128,
  topicsPerClaim: 10,
  waitMilliseconds: 30_000,
  leaseSecondsMin: 1,
  leaseSecondsMax: 43_200,
  leaseSecondsDefault: 900,
  /** The longest one holder may keep one case, extensions included. */
  leaseTotalSeconds: 43_200,
  casesHeldPerPersonDefault: 1,
  casesHeldPerPersonMax: 10,
  pageItems: 100,
  pageItemsDefault: 20,
  /** Where counts for people stop: more is "a great many", and costs. */
  itemsCounted: 10_000,
  /** Events of a shard that one page of the audit log looks at. */
  auditEventsLooked: 50_000,
  queryDepth: 10,
  queryComplexity: 1_000,
  queryTokens: 2_000,
  queryAliases: 30,
  subscriptionsPerSocket: 50,
  socketFrameBytes: 65_536,
  socketConnectionInitMilliseconds: 3_000,
  /** Updates kept for one slow subscriber before it is told to resynchronise. */
  subscriberBufferUpdates: 256,
  /** Events replayed to one subscriber before it is told to resynchronise. */
  replayEvents: 100_000,
  uploadUrlSeconds: 900,
  downloadUrlSeconds: 60,
  /** Requests waiting for a statement of one kind before new ones get BACKPRESSURE. */
  batchBuffer: 4_096,
  batchRows: 256,
  waitingClaims: 20_000,
  /** Below the time after which silence counts as loss, so that a slow statement is told from a lost database. */
  postgresStatementMilliseconds: 1_500,
  /** For what may take long: counting a large backlog. */
  postgresPatientMilliseconds: 60_000,
  postgresLockMilliseconds: 1_000,
  postgresConnectMilliseconds: 1_500,
  postgresIdleInTransactionMilliseconds: 10_000,
  postgresTransactionMilliseconds: 15_000,
  natsRequestMilliseconds: 2_000,
  /** Messages of one process that NATS has not acknowledged yet, before new ones are refused. */
  natsMessagesInFlight: 20_000,
  /** Events handed to NATS at once; the next ones follow when these are acknowledged. */
  eventsPerPublish: 1_000,
  /** Pulls of one process at one consumer that may be open at once. */
  ticketPullsAtOnce: 16,
  ticketsPerPull: 1_000,
  /** Topics whose consumers a process remembers to exist. */
  consumersRemembered: 10_000,
  /** How long the answer to a created or decided thing is kept under its idempotency key. */
  idempotencySeconds: 86_400,
  /** How long an upload may stay unattached before it is removed. */
  unattachedDocumentSeconds: 86_400,
  unattachedDocumentsPerUploader: 1_000,
  /** After this time bytes that were stored and that no row names are removed. Longer than any transfer may last. */
  abandonedBlobSeconds: 86_400,
  /** How long a document's bytes may stand still, on their way in or out, before the transfer is broken off. */
  transferIdleMilliseconds: 30_000,
  /** The slowest average speed of a transfer, once the idle time is over. */
  transferBytesPerSecondMin: 65_536,
  /** Uploads and downloads that one process serves at once before new ones get BACKPRESSURE. */
  transfersAtOnce: 256,
  tasksPerJob: 100,
  taskPayloadBytes: 65_536,
  taskResultBytes: 16_384,
  taskErrorCharacters: 2_000,
  taskAttemptsMax: 100,
  /** Attempts of a task that are shown, the last ones. */
  taskAttemptsShown: 100,
  /** How far in the future a task may be set to run. */
  taskRunAtSeconds: 31_622_400,
  /** Topics, one a namespace and kind, that one worker process serves. */
  taskTopicsPerWorker: 10_000,
  taskKindsPerFilter: 50,
  digestWindowSecondsMin: 1,
  digestWindowSecondsMax: 2_678_400,
  /** Jobs that one external id may name in a filter, the newest ones. */
  jobsPerExternalId: 1_000,
  /** Tasks or jobs that are looked at to count them by status, the newest ones. */
  taskCountRows: 50_000,
  /** Tasks that one call may change by a filter. */
  tasksPerBulk: 1_000,
  taskUniqueKeyCharacters: 200,
  /** Pauses and limits of one namespace that are listed. */
  taskControlsListed: 1_000,
  taskControlChangesShown: 50,
  tasksPerClaim: 100,
  taskLeaseSecondsDefault: 60,
  taskConcurrencyMax: 1_000_000,
  taskSchedulesListed: 1_000,
  /** How far back missed runs of a schedule are caught up. */
  taskCatchUpSeconds: 604_800,
  taskRunsPreviewed: 100,
  taskRateMax: 1_000_000,
  taskRateSecondsMax: 86_400,
  /** How long a unique key may be held, counted from its task's creation. */
  taskUniqueSeconds: 2_678_400,
  digestItemsPerMail: 500,
  digestItemsPerMailDefault: 100,
  requestDescriptionCharacters: 500,
  requestQuantityMax: 1_000_000_000,
  answerWithinDaysMax: 365,
  answerWithinDaysDefault: 3,
  answerNoteCharacters: 2_000,
  responsesPerCall: 500,
  remindersMax: 10,
  /** Requests that one statement follows up. */
  followUpsPerStep: 200,
  /** How long a provider may answer by the link in its mail. */
  answerLinkSeconds: 7_776_000,
  /** Requests, and digests, that one step of the pruner removes. */
  requestsPerPruning: 500,
  /** An open window whose end is so long ago is late. */
  digestLateSeconds: 60,
  /** Namespaces of which one process remembers on which shard their digests lie. */
  digestHomesRemembered: 10_000,
  /** Providers whose schedules one process remembers. */
  recipientsRemembered: 10_000,
  webhookUrlCharacters: 2_000,
  webhookMilliseconds: 30_000,
  webhookAnswerBytes: 65_536,
  /** The largest PDF whose pages are counted. */
  pageCountBytes: 20_000_000,
  pageCountMilliseconds: 15_000,
  pageCountMegabytes: 256,
  documentScanMilliseconds: 60_000,
  documentScanAnswerCharacters: 65_536,
  auditExportEvents: 20_000,
  auditExportPage: 500,
  /** Jobs that are shown with what they are about. */
  jobsAboutShown: 10,
  mailSubjectCharacters: 200,
  /** HTML and text of one mail together. */
  mailBytes: 1_000_000,
  /** How much of a server's answer is kept. */
  mailAnswerCharacters: 500,
  mailKeyCharacters: 200,
  /** How much of a bounce message is read; what follows is the mail that came back. */
  bounceBytes: 500_000,
  bouncePartBytes: 65_536,
  bounceAddressesRead: 20,
  mailSendSeconds: 20,
  mailSendSecondsMax: 300,
  smtpConnections: 4,
  mailsPerSmtpConnection: 100,
  smtpConnectMilliseconds: 5_000,
  smtpAnswerBytes: 65_536,
  smtpIdleMilliseconds: 30_000,
  queueItemsPerCall: 1_000,
  queuePayloadBytes: 65_536,
  /** The largest that a topic may allow; a whole request has at most `bodyBytes`. */
  queuePayloadBytesMax: 524_288,
  queueMetadataBytes: 4_096,
  queueUniqueKeyCharacters: 200,
  queueDelaySeconds: 31_622_400,
  queueTtlSeconds: 31_622_400,
  queueTopicsPerDequeue: 100,
  queueTopicsListed: 1_000,
  /** Ready items of a topic are counted up to this many for the answer to a dequeue. */
  queueReadyCounted: 10_000,
  /** How old a topic's settings may be in a process that enqueues. */
  queueSettingsMilliseconds: 1_000,
  /** Items that one call removes or moves at most. */
  queuePurgedPerCall: 100_000,
  queueRedrivenPerCall: 10_000,
  queueHistoryDays: 7,
  /** How long a blob store may take to answer, or to take the next bytes. */
  blobStoreMilliseconds: 10_000,
  /** Topics of a shard that the metrics show one by one, those with the most items. */
  topicsMeasured: 1_000,
  /** Rows of a backup that are in memory at once. */
  backupRowsAtOnce: 500,
} as const;
