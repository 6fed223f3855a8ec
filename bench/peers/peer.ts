/** Another job queue, called in its own process without HTTP in between. */
export interface Peer {
  /** Adds one job. */
  enqueue(number: number): Promise<unknown>;
  /** Adds so many jobs in one call. */
  addMany(first: number, count: number): Promise<unknown>;
  /** Takes everything away. */
  clear(): Promise<void>;
  /** Adds this many jobs, in bulk. */
  fill(count: number): Promise<void>;
  /**
   * Takes and completes jobs one by one, so many at a time, until `stop` resolves.
   * @param onDone called for each job that was worked on
   * @param onEmpty called when there are no more, where the library says so
   */
  work(callers: number, onDone: () => void, onEmpty: () => void, stop: Promise<void>): Promise<void>;
  /** The same as fast as the library can, by fetching ahead and completing many at once. */
  workInBatches?: Peer['work'];
  close(): Promise<void>;
}

/** What goes with a job: about what a case's registration carries. */
export function payload(number: number): object {
  return {
    number,
    namespace: 'bench',
    topic: 'cases',
    applicant: { name: 'Ada Example', email: 'ada@example.org' },
    documents: [{ documentId: '00010000-0000-7000-8000-000000000000', kind: 'passport' }],
  };
}

/** The size of the libraries' own pools by default. */
export const connections = 10;
