import type { AuditLogQuery } from '../graphql/documents.ts';
import { AuditLogDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { Button } from '../parts/button.tsx';
import { ListEnd } from '../parts/list-end.tsx';
import { Page } from '../parts/page.tsx';
import { formatStamp } from '../parts/times.tsx';
import { inWords, shortId } from '../parts/words.ts';
import { session } from '../session/session.ts';
import { FilterCheck, FilterChoice, FilterText } from './filter-parts.tsx';

const systems = [
  ['CASES', 'Cases'],
  ['TASKS', 'Tasks'],
  ['QUEUE', 'Queue'],
  ['DIGESTS', 'Digests'],
  ['MAILS', 'Mails'],
] as const;

type Entry = AuditLogQuery['auditLog']['edges'][number]['node'];

/** Who did what, the last first. */
export function AuditPage() {
  const { namespace } = session.get()!;
  const { values, set } = useFilters();
  const system = systems.find(([name]) => name === values.system)?.[0] ?? null;
  const filter = {
    system,
    actor: values.actor ?? null,
    type: values.type?.trim().toUpperCase().replaceAll(' ', '_') ?? null,
    steering: values.only === 'steering',
  };
  const pages = usePages(AuditLogDocument, { namespace, filter }, (data) => data.auditLog);
  return (
    <Page title="Who did what" aside={<Button onClick={() => pages.refresh()}>Refresh</Button>}>
      <div class="filters">
        <FilterChoice
          name="In"
          value={values.system}
          all="Everything"
          choices={systems}
          onChange={(name) => set({ system: name })}
        />
        <FilterText name="Who" value={values.actor} placeholder="anybody" onChange={(actor) => set({ actor })} />
        <FilterText
          name="What"
          value={values.type}
          placeholder="such as: released"
          onChange={(type) => set({ type })}
        />
        <FilterCheck
          name="Only pauses, limits and settings"
          checked={filter.steering}
          onChange={(checked) => set({ only: checked ? 'steering' : '' })}
        />
      </div>
      {pages.rows !== undefined && pages.rows.length > 0 && (
        <div class="table-place">
          <table class="table">
            <caption class="hidden">Who did what</caption>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
                <th scope="col">To</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((entry) => (
                <tr key={entry.id}>
                  <td class="cell-time">{formatStamp(entry.at)}</td>
                  <td>{entry.actor}</td>
                  <td>{inWords(entry.type)}</td>
                  <td class="cell-name">
                    <About entry={entry} />
                  </td>
                  <td class="cell-whole">{entry.reason ?? ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <ListEnd pages={pages} empty="Nobody did anything like that" fault="The record cannot be shown right now" />
    </Page>
  );
}

function About({ entry: { system, topic, aboutId } }: { readonly entry: Entry }) {
  // What has no id of its own is there with its name.
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(aboutId);
  const page = isId ? pageOfId(system, topic, aboutId) : pageOfName(system, aboutId);
  const text = isId ? `${topic} ${shortId(aboutId)}` : topic;
  return page === undefined ? <span>{text}</span> : <a href={page}>{text}</a>;
}

function pageOfId(system: Entry['system'], topic: string, id: string): string | undefined {
  switch (system) {
    case 'CASES':
      return `/cases/${id}`;
    case 'TASKS':
      return `/tasks/${id}`;
    case 'QUEUE':
      return `/items/${id}`;
    case 'MAILS':
      return `/mails/${id}`;
    case 'DIGESTS':
      return topic === 'digests' || topic === 'requests' ? `/${topic}/${id}` : undefined;
  }
}

function pageOfName(system: Entry['system'], name: string): string | undefined {
  if (system === 'QUEUE') return name === session.get()?.namespace ? '/topics' : `/topics/${name}`;
  if (system !== 'TASKS') return undefined;
  return name.startsWith('schedule ') ? `/schedules/${name.slice(9)}` : '/kinds';
}
