import { useMemo } from 'preact/hooks';

/** How a mail reads: its text, and its HTML in a frame that may do nothing. */
export function MailBody({ text, html }: { readonly text: string; readonly html: string }) {
  const bare = useMemo(() => stripLooks(html), [html]);
  return (
    <>
      <section class="mail-text" tabIndex={0} aria-label="Text">
        {text}
      </section>
      <details>
        <summary>As HTML, without styling</summary>
        <iframe class="mail-html" title="The mail as HTML" sandbox="" srcdoc={bare} />
      </details>
    </>
  );
}

/**
 * The frame has our policy, which refuses inline styles and what is elsewhere, and complains of each. What a template
 * holds is parsed without being in any document, so that nothing of it is tried here.
 */
function stripLooks(html: string): string {
  const parsed = document.createElement('template');
  // Style attributes are refused while they are parsed already. Quotes that people wrote are escaped, so this meets ours.
  parsed.innerHTML = html.replace(/ style="[^"]*"/g, '');
  for (const element of parsed.content.querySelectorAll('style, link, script, img')) element.remove();
  for (const element of parsed.content.querySelectorAll('[style]')) element.removeAttribute('style');
  return `<!doctype html>${parsed.innerHTML}`;
}
