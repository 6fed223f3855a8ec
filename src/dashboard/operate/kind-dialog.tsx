import { useState } from 'preact/hooks';
import { LimitTaskKindDocument, PauseTaskKindDocument, ResumeTaskKindDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { MomentField, NumberField, readMoment, readNumber } from '../parts/fields.tsx';
import type { TaskControl } from './kinds-page.tsx';

export type KindAct = 'pause' | 'resume' | 'limit';

interface KindDialogProps {
  readonly act: KindAct;
  readonly namespace: string;
  /** All kinds of the namespace without it. */
  readonly kind: string | null;
  readonly control: Pick<TaskControl, 'concurrencyMax' | 'rateMax' | 'rateSeconds'> | undefined;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Holds a kind of task back, or lets it go. */
export function KindDialog({ act, ...props }: KindDialogProps) {
  switch (act) {
    case 'pause':
      return <PauseDialog {...props} />;
    case 'resume':
      return <ResumeDialog {...props} />;
    case 'limit':
      return <LimitDialog {...props} />;
  }
}

type Props = Omit<KindDialogProps, 'act'>;

const nameOf = ({ kind }: Props): string => kind ?? 'all kinds together';

function PauseDialog(props: Props) {
  const { namespace, kind, onDone, onClose } = props;
  const perform = usePerform();
  const [until, setUntil] = useState('');
  const pause = async (reason: string): Promise<string | undefined> => {
    const input = { namespace, kind, reason, until: readMoment(until) };
    const { fault } = await perform(PauseTaskKindDocument, { input }, 'TaskControlSaved');
    if (fault !== undefined) return fault;
    announce(`${kind ?? 'All kinds'}: paused.`, 'good');
    onDone();
  };
  return (
    <ActionDialog title={`Pause ${nameOf(props)}?`} confirm="Pause" reason="needed" onConfirm={pause} onClose={onClose}>
      <p>No attempt begins until it is resumed. What runs now goes on to its end.</p>
      <MomentField name="Until (optional; else until somebody resumes it)" value={until} onChange={setUntil} />
    </ActionDialog>
  );
}

function ResumeDialog(props: Props) {
  const { namespace, kind, onDone, onClose } = props;
  const perform = usePerform();
  const resume = async (reason: string): Promise<string | undefined> => {
    const input = { namespace, kind, reason: reason || null };
    const { fault } = await perform(ResumeTaskKindDocument, { input }, 'TaskControlSaved');
    if (fault !== undefined) return fault;
    announce(`${kind ?? 'All kinds'}: resumed.`, 'good');
    onDone();
  };
  return (
    <ActionDialog title={`Resume ${nameOf(props)}?`} confirm="Resume" onConfirm={resume} onClose={onClose}>
      <p>What waits begins at once.</p>
    </ActionDialog>
  );
}

function LimitDialog(props: Props) {
  const { namespace, kind, control, onDone, onClose } = props;
  const perform = usePerform();
  const [atOnce, setAtOnce] = useState(showNumber(control?.concurrencyMax));
  const [rate, setRate] = useState(showNumber(control?.rateMax));
  const [seconds, setSeconds] = useState(showNumber(control?.rateSeconds ?? 1));
  const limit = async (reason: string): Promise<string | undefined> => {
    const rateMax = readNumber(rate);
    const input = {
      namespace,
      kind,
      concurrencyMax: readNumber(atOnce),
      rateMax,
      rateSeconds: rateMax === null ? null : readNumber(seconds),
      reason: reason || null,
    };
    const { fault } = await perform(LimitTaskKindDocument, { input }, 'TaskControlSaved');
    if (fault !== undefined) return fault;
    announce(`${kind ?? 'All kinds'}: the limits are set.`, 'good');
    onDone();
  };
  return (
    <ActionDialog title={`Limits of ${nameOf(props)}`} confirm="Set the limits" onConfirm={limit} onClose={onClose}>
      <p>A task that is held back keeps its place, and no attempt is counted. An empty field is no limit.</p>
      <NumberField
        name="At once, over all workers"
        value={atOnce}
        onChange={setAtOnce}
        min={1}
        placeholder="any number"
        first
      />
      <div class="form-pair">
        <NumberField name="Beginning" value={rate} onChange={setRate} min={1} placeholder="any number" />
        <NumberField
          name="within seconds"
          value={seconds}
          onChange={setSeconds}
          min={1}
          max={86_400}
          required={rate !== ''}
        />
      </div>
    </ActionDialog>
  );
}

function showNumber(value: number | null | undefined): string {
  return value == null ? '' : String(value);
}
