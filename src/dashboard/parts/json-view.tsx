/** Data as it is, indented. */
export function JsonView({ value, label }: { readonly value: unknown; readonly label: string }) {
  if (value === null || value === undefined) return <p class="muted">None</p>;
  return (
    <section class="json" tabIndex={0} aria-label={label}>
      {JSON.stringify(value, null, 2)}
    </section>
  );
}
