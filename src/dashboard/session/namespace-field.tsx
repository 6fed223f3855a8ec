import type { Session } from './session.ts';
import { changeNamespace } from './session.ts';

/** The tenant that is worked in; operators of the whole installation choose it. */
export function NamespaceField({ current }: { readonly current: Session }) {
  if (!current.everywhere) return <div class="namespace">{current.namespace}</div>;
  return (
    <form
      class="namespace-form"
      onSubmit={(event) => {
        event.preventDefault();
        const name = new FormData(event.currentTarget).get('namespace');
        if (typeof name === 'string' && /^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) changeNamespace(name);
      }}
    >
      <label>
        <span>Namespace</span>
        <input name="namespace" defaultValue={current.namespace} autoComplete="off" spellcheck={false} />
      </label>
    </form>
  );
}
