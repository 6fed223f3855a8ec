/** What happened to a case that tasks may follow from. */
export type CaseHappening = 'REGISTERED' | 'DECIDED';

/** What is known when it happens. */
export interface CaseFacts {
  readonly caseId: string;
  /** The documents that came with a registration; empty for a decision. */
  readonly documentIds: readonly string[];
}

/** How a kind of task follows from what happens to a case. */
export interface OfCase {
  readonly on: CaseHappening;
  /** The payloads of its tasks, one a task. */
  payloads(facts: CaseFacts): readonly object[];
}

/** A kind of task that cases have. */
export interface CaseTaskKind {
  readonly kind: string;
  readonly maxAttempts: number;
  readonly ofCase: OfCase;
}
