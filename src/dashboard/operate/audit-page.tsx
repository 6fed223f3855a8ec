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
import { FilterChoice, FilterText } from './filter-parts.tsx';

const systems = [
  ['CASES', 'Cases'],
  ['TASKS', 'Tasks'],
  ['QUEUE', 'Queue'],
  ['DIGESTS', 'Digests'],
] as const;

type Entry = AuditLogQuery['auditLog']['edges'][number]['node'];

/** Who did what, the last first. */
export function AuditPage() {
  const { namespace } = session.get()!;
  const { values, set } = useFilters();
  const system = systems.find(([name]) => name === values.system)?.[0] ?? null;
  const filter = { system, actor: values.actor ?? null, type: values.type?.toUpperCase() ?? null };
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
          placeholder="for instance: released"
          onChange={(type) => set({ type })}
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

const pageOf: Readonly<Record<string, string>> = { CASES: '/cases/', TASKS: '/tasks/' };

function About({ entry }: { readonly entry: Entry }) {
  const page = pageOf[entry.system];
  const text = `${entry.topic} ${shortId(entry.aboutId)}`;
  return page === undefined ? <span>{text}</span> : <a href={`${page}${entry.aboutId}`}>{text}</a>;
}
