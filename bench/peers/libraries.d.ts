// The parts of the peers that are used here. They are installed by the benchmark only, so the type checker must do
// without them; what they really are is in bench/package.json.

declare module 'pg-boss' {
  interface Job {
    readonly id: string;
  }
  export class PgBoss {
    constructor(options: {
      readonly connectionString: string;
      readonly max?: number;
      readonly schedule?: boolean;
      readonly useListenNotify?: boolean;
    });
    on(event: 'error', listener: (error: Error) => void): this;
    start(): Promise<this>;
    stop(options: { readonly graceful: boolean }): Promise<void>;
    createQueue(
      name: string,
      options?: { readonly expireInSeconds?: number; readonly notify?: boolean },
    ): Promise<void>;
    send(name: string, data: object): Promise<string | null>;
    insert(name: string, jobs: readonly { readonly data: object }[]): Promise<unknown>;
    fetch(name: string): Promise<Job[]>;
    complete(name: string, id: string): Promise<unknown>;
    deleteAllJobs(name: string): Promise<unknown>;
    work(
      name: string,
      options: {
        readonly batchSize: number;
        readonly localConcurrency: number;
        readonly pollingIntervalSeconds: number;
        readonly burstWhenBatchFull: boolean;
      },
      handler: (jobs: readonly { readonly data: { readonly sentAt?: number } }[]) => Promise<void>,
    ): Promise<string>;
    offWork(name: string): Promise<void>;
  }
}

declare module 'graphile-worker' {
  import type { Pool } from 'pg';
  export class Logger {
    constructor(factory: () => () => void);
  }
  export interface WorkerUtils {
    migrate(): Promise<void>;
    addJob(identifier: string, payload: object): Promise<unknown>;
    addJobs(jobs: readonly { readonly identifier: string; readonly payload: object }[]): Promise<unknown>;
    release(): Promise<void>;
  }
  export interface Runner {
    stop(): Promise<void>;
  }
  export function makeWorkerUtils(options: { readonly pgPool: Pool; readonly logger: Logger }): Promise<WorkerUtils>;
  export function run(options: {
    /** What has no option of its own. */
    readonly preset: object;
    readonly pgPool: Pool;
    readonly logger: Logger;
    readonly concurrency?: number;
    readonly noHandleSignals: boolean;
    readonly taskList: Readonly<Record<string, (payload: { readonly sentAt?: number }) => void>>;
    readonly preset?: {
      readonly worker: {
        readonly concurrentJobs: number;
        readonly localQueue: { readonly size: number };
        readonly completeJobBatchDelay: number;
        readonly failJobBatchDelay: number;
      };
    };
  }): Promise<Runner>;
}

declare module 'bullmq' {
  export interface Connection {
    readonly connectionString: string;
    readonly max: number;
    readonly schema: string;
    readonly migrate: boolean;
  }
  export type Backend = symbol;
  export const createPostgresBackend: Backend;
  interface JobOptions {
    readonly removeOnComplete: boolean;
    readonly removeOnFail: boolean;
  }
  export class Queue {
    constructor(
      name: string,
      options: { readonly connection: Connection; readonly defaultJobOptions: JobOptions },
      backend: Backend,
    );
    on(event: 'error', listener: (error: Error) => void): this;
    waitUntilReady(): Promise<unknown>;
    add(name: string, data: object): Promise<unknown>;
    addBulk(jobs: readonly { readonly name: string; readonly data: object }[]): Promise<unknown>;
    obliterate(options: { readonly force: boolean }): Promise<void>;
    close(): Promise<void>;
  }
  export class Worker {
    constructor(
      name: string,
      process: (job: { readonly data: { readonly sentAt?: number } }) => Promise<void>,
      options: { readonly connection: Connection; readonly concurrency: number },
      backend: Backend,
    );
    on(event: 'error', listener: (error: Error) => void): this;
    close(force: boolean): Promise<void>;
  }
}
