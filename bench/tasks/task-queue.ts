/** A job queue as its own users call it, in its own process: Caseload's tasks, or a peer. All with their fastest settings. */
export interface TaskQueue {
  /** Creates three jobs that belong together, in one call. */
  createThree(number: number): Promise<unknown>;
  /** Creates one job that carries the time at which it was due. */
  createOne(sentAt: number): Promise<unknown>;
  clear(): Promise<void>;
  /** Lays out so many jobs. */
  fill(count: number): Promise<void>;
  /**
   * Runs jobs, so many at once, until what it returns is called.
   * @param onRun called when a job's handler begins, with the time that it carries
   */
  work(concurrency: number, onRun: (sentAt: number) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Of the libraries' own pools, and of Caseload's. */
export const connections = 10;
