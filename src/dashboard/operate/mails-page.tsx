import { useQuery } from '@urql/preact';
import { useLocation, useRoute } from 'preact-iso';
import { explain } from '../graphql/client.ts';
import type { MailStatus, OneMailQuery } from '../graphql/documents.ts';
import { MailListDocument, OneMailDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { classes } from '../parts/classes.ts';
import { ListEnd } from '../parts/list-end.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Status } from '../parts/status.tsx';
import { Ago, formatExact } from '../parts/times.tsx';
import { session } from '../session/session.ts';
import { FilterText, StatusChips } from './filter-parts.tsx';
import { MailBody } from './mail-body.tsx';
import { SettleMail } from './settle-mail.tsx';

const mailStatuses: readonly MailStatus[] = ['PREPARED', 'SENDING', 'SENT', 'UNCERTAIN', 'FAILED'];

/** Every mail that was written: to whom, what became of it, and how it reads. In development this is the mailbox. */
export function MailsPage() {
  const { namespace } = session.get()!;
  const { params } = useRoute();
  const { url } = useLocation();
  const { values, set } = useFilters();
  const wanted = (values.status ?? '').split(',');
  const chosen = mailStatuses.filter((status) => wanted.includes(status));
  const filter = {
    status: chosen.length === 0 ? null : chosen,
    recipient: values.to ?? null,
    aboutId: values.about ?? null,
  };
  const pages = usePages(MailListDocument, { namespace, filter }, (data) => data.mails);
  useRefresh(pages.refresh, { burstMilliseconds: 500, everyMilliseconds: 4_000 });
  const search = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  return (
    <Page title="Mails">
      <StatusChips
        statuses={mailStatuses}
        chosen={chosen}
        onChange={(statuses) => set({ status: statuses.join(',') })}
      />
      <div class="filters">
        <FilterText name="To" value={values.to} placeholder="whole address" onChange={(to) => set({ to })} />
        <FilterText
          name="About"
          value={values.about}
          placeholder="case or digest id"
          onChange={(about) => set({ about })}
        />
      </div>
      <div class={classes('mails', params.id !== undefined && 'mails-open')}>
        <div>
          {pages.rows !== undefined && pages.rows.length > 0 && (
            <ul class="cards">
              {pages.rows.map((mail) => (
                <li key={mail.id} class={classes('card', mail.id === params.id && 'card-chosen')}>
                  <a
                    class="card-link"
                    href={`/mails/${mail.id}${search}`}
                    aria-current={mail.id === params.id ? 'true' : undefined}
                  >
                    {mail.subject}
                  </a>
                  <div class="card-line">
                    <span class="muted card-to">{mail.to}</span>
                    <span class="card-state">
                      <Status value={mail.status} />
                      <span class="muted">
                        <Ago at={mail.sentAt ?? mail.preparedAt} />
                      </span>
                    </span>
                  </div>
                </li>
              ))}
            </ul>
          )}
          <ListEnd pages={pages} empty="No mail is like that" fault="The mails cannot be shown right now" />
        </div>
        {params.id !== undefined && (
          <div>
            <a class="mail-back" href={`/mails${search}`}>
              All mails
            </a>
            <MailPane key={params.id} id={params.id} />
          </div>
        )}
      </div>
    </Page>
  );
}

function MailPane({ id }: { readonly id: string }) {
  const [{ data, error }, ask] = useQuery({ query: OneMailDocument, variables: { id } });
  useRefresh(ask, { burstMilliseconds: 500, everyMilliseconds: 4_000 });
  if (data?.mail == null) {
    return error === undefined ? (
      <Loading />
    ) : (
      <Notice title="This mail cannot be shown" tone="bad">
        {explain(error)}
      </Notice>
    );
  }
  return <MailView mail={data.mail} onChanged={ask} />;
}

interface MailViewProps {
  readonly mail: NonNullable<OneMailQuery['mail']>;
  readonly onChanged: () => void;
}

function MailView({ mail, onChanged }: MailViewProps) {
  return (
    <article class="mail" aria-label={mail.subject}>
      <h2>{mail.subject}</h2>
      <dl class="facts">
        <div>
          <dt>From</dt>
          <dd>{mail.from}</dd>
        </div>
        <div>
          <dt>To</dt>
          <dd>{mail.toName === null ? mail.to : `${mail.toName} <${mail.to}>`}</dd>
        </div>
        <div>
          <dt>{mail.sentAt === null ? 'Prepared' : 'Sent'}</dt>
          <dd>
            {formatExact(mail.sentAt ?? mail.preparedAt)} <Status value={mail.status} />
          </dd>
        </div>
        {mail.answer !== null && (
          <div>
            <dt>Server</dt>
            <dd class="mono">{mail.answer}</dd>
          </div>
        )}
        {mail.settledAt !== null && (
          <div>
            <dt>Settled</dt>
            <dd>
              by {mail.settledBy} {formatExact(mail.settledAt)}: {mail.settleReason}
            </dd>
          </div>
        )}
        {mail.aboutId !== null && (
          <div>
            <dt>About</dt>
            <dd>
              <a href={`/tasks?about=${mail.aboutId}`}>tasks of the same matter</a>
            </dd>
          </div>
        )}
      </dl>
      {mail.status === 'UNCERTAIN' && <SettleMail mail={mail} onDone={onChanged} />}
      <MailBody text={mail.text} html={mail.html} />
    </article>
  );
}
