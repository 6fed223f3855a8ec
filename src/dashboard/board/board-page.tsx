import { useLocation } from 'preact-iso';
import { useCaseTopics } from '../desk/use-case-topics.ts';
import type { CasePartsFragment } from '../graphql/documents.ts';
import { classes } from '../parts/classes.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Status } from '../parts/status.tsx';
import { Ago, formatSince } from '../parts/times.tsx';
import { session } from '../session/session.ts';
import type { ColumnName } from './columns.ts';
import type { Board } from './use-board.ts';
import { useBoard } from './use-board.ts';

/** Every case that waits, is in hand, or was decided lately, as it changes. */
export function BoardPage() {
  const { namespace } = session.get()!;
  const { query, route } = useLocation();
  const topic = query.topic || undefined;
  const holder = query.holder || undefined;
  const { topics } = useCaseTopics(namespace);
  const board = useBoard(namespace, { topic, holder }, () => undefined);
  const shownTopics = (topics ?? []).filter(({ name }) => topic === undefined || name === topic);
  const waiting = shownTopics.reduce((sum, one) => sum + one.waiting, 0);
  const held = shownTopics.reduce((sum, one) => sum + one.held, 0);
  const oldest = shownTopics
    .map(({ oldestWaitingSince }) => oldestWaitingSince)
    .filter((since) => since !== null)
    .toSorted()[0];
  const change = (name: string, value: string): void => {
    const next = new URLSearchParams({ topic: topic ?? '', holder: holder ?? '', [name]: value.trim() });
    for (const [key, one] of [...next]) if (one === '') next.delete(key);
    const text = next.toString();
    route(text === '' ? '/board' : `/board?${text}`, true);
  };
  const filters = (
    <>
      <label class="filter">
        <span>Topic</span>
        <select class="select" value={topic ?? ''} onChange={(event) => change('topic', event.currentTarget.value)}>
          <option value="">All</option>
          {(topics ?? []).map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="filter">
        <span>Held by</span>
        <input
          class="select filter-name"
          value={holder ?? ''}
          placeholder="anybody"
          onChange={(event) => change('holder', event.currentTarget.value)}
        />
      </label>
    </>
  );
  return (
    <Page title="Board" aside={filters}>
      <dl class="figures">
        <Figure name="Waiting" value={topics === undefined ? '–' : waiting.toLocaleString()} />
        <Figure name="In hand" value={topics === undefined ? '–' : held.toLocaleString()} />
        <Figure name="Oldest waiting" value={oldest === undefined ? '–' : formatSince(new Date(oldest))} />
        <Figure name="Changes since you came" value={board.updates.toLocaleString()} />
      </dl>
      {board.fault !== undefined && (
        <Notice title="The board cannot be brought up to date" tone="bad">
          {board.fault}
        </Notice>
      )}
      {board.columns === undefined && board.fault === undefined && <Loading rows={8} />}
      {board.columns !== undefined && (
        <div class="columns">
          <Column name="pending" title="Waiting" board={board} count={waiting} empty="Nothing waits." />
          <Column name="claimed" title="In hand" board={board} count={held} empty="Nobody has a case in hand." />
          <Column name="decided" title="Decided" board={board} empty="Nothing is decided yet." />
        </div>
      )}
    </Page>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

interface ColumnProps {
  readonly name: ColumnName;
  readonly title: string;
  readonly board: Board;
  readonly count?: number;
  readonly empty: string;
}

function Column({ name, title, board, count, empty }: ColumnProps) {
  const cases = board.columns![name];
  return (
    <section class="column" aria-label={title}>
      <h2 class="column-head">
        {title}
        {count !== undefined && <span class="column-count">{count.toLocaleString()}</span>}
      </h2>
      <ul class="cards">
        {cases.map((found) => (
          <CaseCard key={found.id} found={found} changed={board.changed.has(found.id)} />
        ))}
      </ul>
      {cases.length === 0 && <p class="column-empty">{empty}</p>}
      {board.columns!.more[name] && <p class="column-empty">… and more</p>}
    </section>
  );
}

function CaseCard({ found, changed }: { readonly found: CasePartsFragment; readonly changed: boolean }) {
  return (
    <li class={classes('card', changed && 'card-changed')}>
      <a class="card-link" href={`/cases/${found.id}`}>
        {found.applicant.name}
      </a>
      <div class="card-line">
        <span class="tag">{found.topic}</span>
        <CaseCardState found={found} />
      </div>
    </li>
  );
}

function CaseCardState({ found }: { readonly found: CasePartsFragment }) {
  if (found.decision !== null) {
    return (
      <span class="card-state">
        <Status value={found.status} /> <span class="muted">by {found.decision.decidedBy}</span>
      </span>
    );
  }
  if (found.lease !== null) {
    return (
      <span class="card-state">
        {found.lease.holder}{' '}
        <span class="muted">
          <Ago at={found.lease.acquiredAt} />
        </span>
      </span>
    );
  }
  return (
    <span class="card-state muted">
      <Ago at={found.registeredAt} />
    </span>
  );
}
