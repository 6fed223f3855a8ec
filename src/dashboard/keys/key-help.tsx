import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';

const groups: readonly { readonly name: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    name: 'Cases',
    keys: [
      ['c', 'Claim the next case'],
      ['w', 'Wait for a case, when there is none'],
      ['a', 'Approve'],
      ['r', 'Reject'],
      ['1 … 6', 'A common reason, while rejecting'],
      ['Ctrl ↵', 'Send the decision, from its note too'],
      ['e', 'Extend the lease'],
      ['u', 'Give the case back'],
      ['s', 'Skip: give it back and claim the next one'],
      ['n', 'Write a note'],
    ],
  },
  {
    name: 'Documents',
    keys: [
      ['j', 'Next document'],
      ['k', 'Document before'],
      ['→', 'Next page'],
      ['←', 'Page before'],
      ['+', 'Larger'],
      ['-', 'Smaller'],
      ['0', 'Fit the width'],
      ['t', 'Turn'],
    ],
  },
  {
    name: 'Everywhere',
    keys: [
      ['?', 'This list'],
      ['Esc', 'Close what is open; leave a field'],
    ],
  },
];

/** Every key there is. */
export function KeyHelp({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} wide>
      <div class="key-groups">
        {groups.map((group) => (
          <section key={group.name}>
            <h3>{group.name}</h3>
            <dl class="key-list">
              {group.keys.map(([key, does]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <div class="dialog-buttons">
        <Button onClick={onClose} first>
          Close
        </Button>
      </div>
    </Dialog>
  );
}
