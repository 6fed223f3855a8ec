import { useClient } from '@urql/preact';
import { useState } from 'preact/hooks';
import { explain } from '../graphql/client.ts';
import type { TaskFiguresQuery } from '../graphql/documents.ts';
import { PauseTaskKindDocument, ResumeTaskKindDocument } from '../graphql/documents.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { Ago } from '../parts/times.tsx';

interface KindControlsProps {
  readonly namespace: string;
  readonly kinds: readonly string[];
  readonly controls: TaskFiguresQuery['taskControls'];
  readonly mayMend: boolean;
  readonly onChanged: () => void;
}

type Asking = { readonly kind: string | null; readonly act: 'pause' | 'resume' } | undefined;

/** Kinds of task that are paused or held back, and the way to pause one. */
export function KindControls({ namespace, kinds, controls, mayMend, onChanged }: KindControlsProps) {
  const client = useClient();
  const [asking, setAsking] = useState<Asking>();
  const active = controls.filter(({ pause, concurrencyMax, rateMax }) => pause ?? concurrencyMax ?? rateMax);
  const free = kinds.filter((kind) => !active.some((control) => control.kind === kind && control.pause !== null));
  const confirm = async (reason: string): Promise<boolean> => {
    const input = { namespace, kind: asking!.kind, reason };
    const { error } =
      asking!.act === 'pause'
        ? await client.mutation(PauseTaskKindDocument, { input }).toPromise()
        : await client.mutation(ResumeTaskKindDocument, { input }).toPromise();
    if (error !== undefined) {
      announce(explain(error), 'bad');
      return false;
    }
    onChanged();
    return true;
  };
  return (
    <>
      {active.map((control) => (
        <p key={control.kind ?? '*'} class={control.pause === null ? 'control' : 'control control-paused'}>
          <strong>{control.kind ?? 'All kinds'}</strong>
          {control.pause !== null && (
            <span>
              paused by {control.pause.by} <Ago at={control.pause.since} />: {control.pause.reason}
            </span>
          )}
          {control.concurrencyMax !== null && <span>at most {control.concurrencyMax} at once</span>}
          {control.rateMax !== null && (
            <span>
              at most {control.rateMax} in {control.rateSeconds} s
            </span>
          )}
          {mayMend && control.pause !== null && (
            <Button onClick={() => setAsking({ kind: control.kind, act: 'resume' })}>Resume</Button>
          )}
        </p>
      ))}
      {mayMend && free.length > 0 && (
        <label class="filter pause-choice">
          <span>Pause a kind</span>
          <select
            class="select"
            value=""
            onChange={(event) => {
              setAsking({ kind: event.currentTarget.value, act: 'pause' });
              event.currentTarget.value = '';
            }}
          >
            <option value="">choose …</option>
            {free.map((kind) => (
              <option key={kind} value={kind}>
                {kind}
              </option>
            ))}
          </select>
        </label>
      )}
      {asking !== undefined && (
        <ActionDialog
          title={`${asking.act === 'pause' ? 'Pause' : 'Resume'} ${asking.kind ?? 'all kinds'}?`}
          confirm={asking.act === 'pause' ? 'Pause' : 'Resume'}
          reasonNeeded={asking.act === 'pause'}
          onConfirm={confirm}
          onClose={() => setAsking(undefined)}
        >
          <p>
            {asking.act === 'pause'
              ? 'No attempt begins until it is resumed. What runs now goes on to its end.'
              : 'What waits begins at once.'}
          </p>
        </ActionDialog>
      )}
    </>
  );
}
