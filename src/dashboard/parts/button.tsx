import type { ComponentChildren } from 'preact';
import { classes } from './classes.ts';

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick?: () => void;
  /** Shown beside the text: what does the same from the keyboard. */
  readonly shortcut?: string;
  readonly look?: 'plain' | 'main' | 'good' | 'bad' | 'quiet';
  readonly disabled?: boolean;
  readonly busy?: boolean;
  readonly type?: 'button' | 'submit';
  readonly big?: boolean;
  readonly label?: string;
  readonly pressed?: boolean;
  readonly first?: boolean;
}

export function Button(props: ButtonProps) {
  const { look = 'plain', shortcut, busy = false, type = 'button' } = props;
  return (
    <button
      type={type}
      class={classes('button', `button-${look}`, props.big === true && 'button-big')}
      disabled={props.disabled === true || busy}
      onClick={props.onClick}
      aria-keyshortcuts={shortcut}
      aria-label={props.label}
      aria-pressed={props.pressed}
      aria-busy={busy || undefined}
      data-first={props.first === true ? '' : undefined}
    >
      {props.children}
      {shortcut !== undefined && <kbd aria-hidden="true">{shortcut}</kbd>}
    </button>
  );
}
