import { useState } from 'preact/hooks';
import type { OneItemQuery } from '../graphql/documents.ts';
import { UpdateItemDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { MomentField, NumberField, readMoment, readNumber, showMoment } from '../parts/fields.tsx';

interface ItemChangeDialogProps {
  readonly item: NonNullable<OneItemQuery['item']>;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

const int32Max = 2_147_483_647;

/** Changes the place of an item that waits. */
export function ItemChangeDialog({ item, onDone, onClose }: ItemChangeDialogProps) {
  const perform = usePerform();
  // As it was when the dialog opened.
  const [before] = useState(() => ({
    priority: String(item.priority ?? 0),
    moment: showMoment(item.deliverAfter ?? new Date().toISOString()),
  }));
  const [priority, setPriority] = useState(before.priority);
  const [moment, setMoment] = useState(before.moment);
  const change = async (): Promise<string | undefined> => {
    const input = {
      itemId: item.id,
      ...(priority === before.priority ? {} : { priority: readNumber(priority) }),
      ...(moment === before.moment ? {} : { deliverAfter: readMoment(moment) ?? new Date().toISOString() }),
    };
    const { fault } = await perform(UpdateItemDocument, { input }, 'ItemUpdated');
    onDone();
    if (fault !== undefined) return fault;
    announce('The item is changed.', 'good');
  };
  return (
    <ActionDialog
      title="Change this item"
      confirm="Change it"
      reason="none"
      disabled={priority === before.priority && moment === before.moment}
      onConfirm={change}
      onClose={onClose}
    >
      <NumberField
        name="Priority (lower is sooner)"
        value={priority}
        onChange={setPriority}
        min={-int32Max}
        max={int32Max}
        required
        first
      />
      <MomentField name="Not before (empty: at once)" value={moment} onChange={setMoment} />
    </ActionDialog>
  );
}
