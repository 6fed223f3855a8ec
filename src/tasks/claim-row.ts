import type { ClaimRow } from '../queue/claim-desk.ts';

/** A row of the statement that claims tasks. */
export type ClaimTaskRow = ClaimRow & {
  readonly job_id: string;
  readonly payload: unknown;
  readonly max_attempts: number;
  /** Of the present round, this one included. */
  readonly attempts_counted: number;
  /** Of the schedule whose run it is. */
  readonly schedule_id: string | null;
  readonly traceparent: string | null;
};
