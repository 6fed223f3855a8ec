import { useState } from 'preact/hooks';
import { explain } from '../graphql/client.ts';
import { useKeys } from '../keys/use-keys.ts';
import { Button } from '../parts/button.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Ago, formatAgo } from '../parts/times.tsx';
import { plural } from '../parts/words.ts';
import type { Desk, Emptiness } from './held-case.ts';
import { keepLeftOutTopics, readLeftOutTopics } from './left-out-topics.ts';
import { useCaseTopics } from './use-case-topics.ts';
import type { DeskActions } from './use-desk.ts';

const topicsPerClaim = 10;

interface FreeDeskProps {
  readonly namespace: string;
  readonly desk: Extract<Desk, { kind: 'free' }>;
  readonly actions: DeskActions;
}

/** Nothing in hand: what waits, and one key to take the next case. */
export function FreeDesk({ namespace, desk, actions }: FreeDeskProps) {
  const { topics, error } = useCaseTopics(namespace);
  const [left, setLeft] = useState(() => readLeftOutTopics(namespace));
  const names = (topics ?? []).map(({ name }) => name);
  const chosen = names.filter((name) => !left.includes(name)).slice(0, topicsPerClaim);
  const wanted = chosen.length === 0 ? ['cases'] : chosen;
  const waiting = (topics ?? [])
    .filter(({ name }) => chosen.includes(name))
    .reduce((sum, topic) => sum + topic.waiting, 0);
  const claim = (wait: boolean) => (): void => void actions.claim(wanted, wait);
  const stop = desk.waiting ? () => actions.stopWaiting() : undefined;
  useKeys({ c: desk.waiting ? undefined : claim(false), w: desk.waiting ? undefined : claim(true), Escape: stop });
  const toggle = (name: string): void => {
    const next = left.includes(name) ? left.filter((other) => other !== name) : [...left, name];
    keepLeftOutTopics(namespace, next);
    setLeft(next);
  };
  return (
    <Page title="Desk" narrow>
      <section class="claim-card">
        <p class="claim-count">
          {topics === undefined
            ? ' '
            : waiting === 0
              ? 'Nothing waits right now.'
              : `${plural(waiting, 'case')} ${waiting === 1 ? 'waits' : 'wait'} for somebody to look.`}
        </p>
        {desk.waiting ? (
          <div class="claim-waiting">
            <span class="pulse" aria-hidden="true" />
            <span role="status">Waiting for the next case …</span>
            <Button onClick={stop} shortcut="Escape">
              Stop waiting
            </Button>
          </div>
        ) : (
          <div class="claim-buttons">
            <Button look="main" big shortcut="c" onClick={claim(false)}>
              Claim the next case
            </Button>
            {(desk.empty !== undefined || (topics !== undefined && waiting === 0)) && (
              <Button big shortcut="w" onClick={claim(true)}>
                Wait for one
              </Button>
            )}
          </div>
        )}
        <p class="claim-empty" role="status">
          {desk.empty !== undefined && explainEmptiness(desk.empty)}
        </p>
      </section>
      {error !== undefined && (
        <Notice title="What waits cannot be shown right now" tone="warn">
          {explain(error)}
        </Notice>
      )}
      {topics === undefined && error === undefined && <Loading />}
      {topics !== undefined && topics.length > 0 && (
        <table class="table">
          <caption class="hidden">Topics</caption>
          <thead>
            <tr>
              <th scope="col">Claim from</th>
              <th scope="col" class="number">
                Waiting
              </th>
              <th scope="col" class="number">
                In hand
              </th>
              <th scope="col">Oldest</th>
            </tr>
          </thead>
          <tbody>
            {topics.map((topic) => (
              <tr key={topic.name}>
                <td>
                  <label class="check">
                    <input type="checkbox" checked={!left.includes(topic.name)} onChange={() => toggle(topic.name)} />
                    {topic.name}
                    {topic.paused && <span class="tag">paused</span>}
                  </label>
                </td>
                <td class="number">{topic.waiting.toLocaleString()}</td>
                <td class="number">{topic.held.toLocaleString()}</td>
                <td>{topic.oldestWaitingSince === null ? '–' : <Ago at={topic.oldestWaitingSince} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Page>
  );
}

function explainEmptiness({ reason, nextEligibleAt }: Emptiness): string {
  const next = nextEligibleAt == null ? '' : ` The next one may be free ${formatAgo(new Date(nextEligibleAt))}.`;
  switch (reason) {
    case 'EMPTY':
      return 'There is no open case.';
    case 'ALL_HELD':
      return `Others have all open cases in hand.${next}`;
    case 'NOT_ELIGIBLE':
      return 'What is open is not for you: you registered it, or had it in hand before.';
    case 'NOT_DUE':
      return `Open cases wait for their time.${next}`;
    case 'PAUSED':
      return 'Nothing is handed out from here at the moment: it is paused.';
  }
}
