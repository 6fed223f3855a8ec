import { useState } from 'preact/hooks';
import type { OneTaskQuery } from '../graphql/documents.ts';
import { UpdateTaskDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { MomentField, NumberField, readMoment, readNumber, showMoment } from '../parts/fields.tsx';

interface TaskChangeDialogProps {
  readonly task: NonNullable<OneTaskQuery['task']>;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

const int32Max = 2_147_483_647;

/** Changes a task that waits: when it runs, before which others, and what it is given. What is not touched is not sent. */
export function TaskChangeDialog({ task, onDone, onClose }: TaskChangeDialogProps) {
  const perform = usePerform();
  // As it was when the dialog opened: what happens to the task meanwhile is no change of the reader's.
  const [before] = useState(() => ({
    priority: String(task.priority),
    moment: showMoment(task.nextRunAt ?? task.runAt),
    payload: JSON.stringify(task.payload, null, 2),
  }));
  const [priority, setPriority] = useState(before.priority);
  const [moment, setMoment] = useState(before.moment);
  const [payload, setPayload] = useState(before.payload);
  const parsed = parseJson(payload);
  const changed = priority !== before.priority || moment !== before.moment || payload !== before.payload;
  const change = async (reason: string): Promise<string | undefined> => {
    const input = {
      taskId: task.id,
      reason: reason || null,
      ...(priority === before.priority ? {} : { priority: readNumber(priority) }),
      ...(moment === before.moment ? {} : { runAt: readMoment(moment) ?? new Date().toISOString() }),
      ...(payload === before.payload ? {} : { payload: parsed?.value as Record<string, unknown> }),
    };
    const { fault } = await perform(UpdateTaskDocument, { input }, 'TasksUpdated');
    onDone();
    if (fault !== undefined) return fault;
    announce('The task is changed.', 'good');
  };
  return (
    <ActionDialog
      title="Change this task"
      confirm="Change it"
      disabled={!changed || parsed === undefined}
      wide
      onConfirm={change}
      onClose={onClose}
    >
      <div class="form-pair">
        <MomentField name="Not before (empty: at once)" value={moment} onChange={setMoment} />
        <NumberField
          name="Priority (lower is sooner)"
          value={priority}
          onChange={setPriority}
          min={-int32Max}
          max={int32Max}
          required
        />
      </div>
      <label class="field">
        <span>Payload</span>
        <textarea
          class="mono"
          rows={10}
          value={payload}
          spellcheck={false}
          aria-invalid={parsed === undefined}
          onInput={(event) => setPayload(event.currentTarget.value)}
        />
      </label>
      <p class="small muted" role="status">
        {parsed === undefined ? 'The payload is no JSON yet.' : ''}
      </p>
    </ActionDialog>
  );
}

/** @returns undefined for what is no JSON */
function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
