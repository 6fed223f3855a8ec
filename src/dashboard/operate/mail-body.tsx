/** How a mail reads: its text, and its HTML in a frame that may do nothing. */
export function MailBody({ text, html }: { readonly text: string; readonly html: string }) {
  return (
    <>
      <section class="mail-text" tabIndex={0} aria-label="Text">
        {text}
      </section>
      <details>
        <summary>As HTML, without its looks</summary>
        <iframe class="mail-html" title="The mail as HTML" sandbox="" srcdoc={html} />
      </details>
    </>
  );
}
