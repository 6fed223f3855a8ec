import { useState } from 'preact/hooks';
import type { MailSettlement, OneMailQuery } from '../graphql/documents.ts';
import { SettleMailDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';

const ways: Readonly<Record<MailSettlement, { readonly name: string; readonly text: string }>> = {
  SENT: { name: 'It was sent', text: 'The mail server has it. It is not sent again.' },
  SEND_AGAIN: {
    name: 'Send it again',
    text: 'The mail server does not have it. The mail of a digest goes out by itself; any other when its task is retried.',
  },
};

interface SettleMailProps {
  readonly mail: NonNullable<OneMailQuery['mail']>;
  readonly onDone: () => void;
}

/** Decides by hand what became of a mail whose end nobody saw: the server may have it, or not. */
export function SettleMail({ mail, onDone }: SettleMailProps) {
  const perform = usePerform();
  const [asking, setAsking] = useState<MailSettlement>();
  const settle = async (outcome: MailSettlement, reason: string): Promise<string | undefined> => {
    const { fault } = await perform(SettleMailDocument, { input: { mailId: mail.id, outcome, reason } }, 'MailSettled');
    // A refusal says that somebody else has settled it.
    onDone();
    if (fault !== undefined) return fault;
    announce('The mail is settled.', 'good');
  };
  return (
    <div class="control control-paused">
      <span class="control-text">
        The connection broke while it was sent, so the mail server may have it or not. Look in the server’s log for{' '}
        <span class="mono">{mail.messageId}</span>, and say what became of it.
      </span>
      <span class="control-buttons">
        <Button onClick={() => setAsking('SENT')}>{ways.SENT.name} …</Button>
        <Button onClick={() => setAsking('SEND_AGAIN')}>{ways.SEND_AGAIN.name} …</Button>
      </span>
      {asking !== undefined && (
        <ActionDialog
          title={`${ways[asking].name}?`}
          confirm={ways[asking].name}
          reason="needed"
          onConfirm={(reason) => settle(asking, reason)}
          onClose={() => setAsking(undefined)}
        >
          <p>{ways[asking].text}</p>
        </ActionDialog>
      )}
    </div>
  );
}
