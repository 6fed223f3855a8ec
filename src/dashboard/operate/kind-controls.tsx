import type { TaskFiguresQuery } from '../graphql/documents.ts';
import { Ago, formatExact } from '../parts/times.tsx';
import { describeLimits } from './kinds-page.tsx';

/** Kinds of task that are paused or held back; they are changed on their own page. */
export function KindControls({ controls }: { readonly controls: TaskFiguresQuery['taskControls'] }) {
  const active = controls.filter((control) => control.pause !== null || describeLimits(control) !== undefined);
  return (
    <>
      {active.map((control) => (
        <p key={control.kind ?? '*'} class={control.pause === null ? 'control' : 'control control-paused'}>
          <strong>{control.kind ?? 'All kinds'}</strong>
          {control.pause !== null && (
            <span>
              paused by {control.pause.by} <Ago at={control.pause.since} />
              {control.pause.until !== null && <>, until {formatExact(control.pause.until)}</>}: {control.pause.reason}
            </span>
          )}
          {describeLimits(control) !== undefined && <span>at most {describeLimits(control)}</span>}
          <a href="/kinds">Change</a>
        </p>
      ))}
    </>
  );
}
