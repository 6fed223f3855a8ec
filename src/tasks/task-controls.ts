import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText, parseWhole } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { taskOperators, taskReaders } from './find-task.ts';
import { parseOptionalReason } from './retry.ts';

const savePause = loadStatement('save-task-pause');
const endPause = loadStatement('end-task-pause');
const saveLimits = loadStatement('save-task-limits');
const readControls = loadStatement('read-task-controls');
const readChanges = loadStatement('read-task-control-changes');
/** Stands for all kinds of a namespace; no kind can have this name. */
const everyKind = '*';

interface Place {
  readonly namespace: string;
  /** All kinds of the namespace without it. */
  readonly kind?: string | null;
}

export interface PauseTaskKindInput extends Place {
  readonly reason: string;
  readonly until?: Date | null;
}

export interface ResumeTaskKindInput extends Place {
  readonly reason?: string | null;
}

export interface LimitTaskKindInput extends Place {
  readonly concurrencyMax?: number | null;
  readonly rateMax?: number | null;
  readonly rateSeconds?: number | null;
  readonly reason?: string | null;
}

/** What holds back the tasks of a kind, or of all kinds of a namespace. */
export interface TaskControl {
  readonly namespace: string;
  readonly kind: string | null;
  readonly pause: {
    readonly since: Date;
    readonly until: Date | null;
    readonly by: string;
    readonly reason: string;
  } | null;
  /** How many run at once, over all workers. */
  readonly concurrencyMax: number | null;
  /** How many may begin within `rateSeconds`. */
  readonly rateMax: number | null;
  readonly rateSeconds: number | null;
}

export interface TaskControlChange {
  readonly action: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly at: Date;
}

interface Row {
  readonly kind: string;
  readonly paused_at: string | null;
  readonly paused_until: string | null;
  readonly paused_by: string | null;
  readonly pause_reason: string | null;
  readonly concurrency_max: number | null;
  readonly rate_max: number | null;
  readonly rate_seconds: number | null;
}

export interface TaskControlServices {
  /** Pauses a kind, or a whole namespace, until it is resumed or a time has come. What runs goes on. */
  readonly pauseTaskKind: (actor: Actor | undefined, input: PauseTaskKindInput) => Promise<TaskControl>;
  /** Ends a pause; when there is none, nothing changes. */
  readonly resumeTaskKind: (actor: Actor | undefined, input: ResumeTaskKindInput) => Promise<TaskControl>;
  /** Sets the limits of a kind, or of a whole namespace; a limit that is not given is taken away. */
  readonly limitTaskKind: (actor: Actor | undefined, input: LimitTaskKindInput) => Promise<TaskControl>;
  /** What holds tasks of a namespace back, at most a thousand; null for its own entry. */
  readonly listTaskControls: (actor: Actor | undefined, namespace: string) => Promise<readonly TaskControl[]>;
  /** Who paused, resumed and limited, newest first, the last 50. Who may see it is the caller's business. */
  readonly taskControlChanges: (control: TaskControl) => Promise<readonly TaskControlChange[]>;
}

/** The verbs that hold tasks back. Each throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`. */
export function createTaskControls(shard: Shard): TaskControlServices {
  const read = async (namespace: string, kind: string): Promise<TaskControl> => {
    const [row] = await shard.run<Row>(readControls, [namespace, kind, 1]);
    return row === undefined ? nothing(namespace, kind) : toControl(namespace, row);
  };
  return {
    async pauseTaskKind(maybeActor, input) {
      const { namespace, kind, actor } = readPlace(maybeActor, input);
      const reason = parseText('input.reason', input.reason, { charactersMax: limits.reasonCharacters, lines: true });
      const values = [namespace, kind, input.until?.toISOString() ?? null, actor.subject, reason];
      const [row] = await shard.run<{ outcome: 'saved' | 'past' }>(savePause, values);
      if (row?.outcome !== 'saved') throw badInput('input.until', 'has passed');
      return read(namespace, kind);
    },
    async resumeTaskKind(maybeActor, input) {
      const { namespace, kind, actor } = readPlace(maybeActor, input);
      await shard.run(endPause, [namespace, kind, actor.subject, parseOptionalReason(input.reason)]);
      return read(namespace, kind);
    },
    async limitTaskKind(maybeActor, input) {
      const { namespace, kind, actor } = readPlace(maybeActor, input);
      const rates = readRate(input);
      const concurrencyMax =
        input.concurrencyMax == null
          ? null
          : parseWhole('input.concurrencyMax', input.concurrencyMax, 1, limits.taskConcurrencyMax);
      const reason = parseOptionalReason(input.reason);
      await shard.run(saveLimits, [namespace, kind, concurrencyMax, ...rates, actor.subject, reason]);
      return read(namespace, kind);
    },
    async listTaskControls(actor, name) {
      const namespace = parseName('namespace', name);
      requireRole(actor, namespace, taskReaders);
      const rows = await shard.run<Row>(readControls, [namespace, null, limits.taskControlsListed]);
      return rows.map((row) => toControl(namespace, row));
    },
    async taskControlChanges({ namespace, kind }) {
      const values = [namespace, kind ?? everyKind, limits.taskControlChangesShown];
      const rows = await shard.run<Omit<TaskControlChange, 'at'> & { at: string }>(readChanges, values);
      return rows.map((row) => ({ ...row, at: toDate(row.at) }));
    },
  };
}

function readPlace(maybeActor: Actor | undefined, input: Place): { namespace: string; kind: string; actor: Actor } {
  const namespace = parseName('input.namespace', input.namespace);
  const actor = requireRole(maybeActor, namespace, taskOperators);
  return { namespace, kind: input.kind == null ? everyKind : parseName('input.kind', input.kind), actor };
}

function readRate({ rateMax, rateSeconds }: LimitTaskKindInput): readonly [number | null, number | null] {
  if (rateMax == null && rateSeconds == null) return [null, null];
  if (rateMax == null) throw badInput('input.rateMax', 'is missing');
  return [
    parseWhole('input.rateMax', rateMax, 1, limits.taskRateMax),
    parseWhole('input.rateSeconds', rateSeconds ?? 1, 1, limits.taskRateSecondsMax),
  ];
}

function toControl(namespace: string, row: Row): TaskControl {
  return {
    namespace,
    kind: row.kind === everyKind ? null : row.kind,
    pause:
      row.paused_at === null
        ? null
        : {
            since: toDate(row.paused_at),
            until: row.paused_until === null ? null : toDate(row.paused_until),
            by: row.paused_by ?? '',
            reason: row.pause_reason ?? '',
          },
    concurrencyMax: row.concurrency_max,
    rateMax: row.rate_max,
    rateSeconds: row.rate_seconds,
  };
}

function nothing(namespace: string, kind: string): TaskControl {
  return {
    namespace,
    kind: kind === everyKind ? null : kind,
    pause: null,
    concurrencyMax: null,
    rateMax: null,
    rateSeconds: null,
  };
}
