import type { ComponentChildren } from 'preact';
import type { WholeCaseFragment } from '../graphql/documents.ts';
import { Ago } from '../parts/times.tsx';
import { nameDetail } from '../parts/words.ts';

/** What the applicant said, as a list of names and values. */
export function CaseFacts({ found }: { readonly found: WholeCaseFragment }) {
  const details = Object.entries(found.applicant.details ?? {});
  return (
    <dl class="facts">
      <Fact name="E-mail">{found.applicant.email}</Fact>
      {details.map(([name, value]) => (
        <Fact key={name} name={nameDetail(name)}>
          {typeof value === 'object' ? JSON.stringify(value) : String(value)}
        </Fact>
      ))}
      <Fact name="Registered">
        <Ago at={found.registeredAt} /> by {found.registrant}
      </Fact>
      <Fact name="Priority">{found.priority}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
