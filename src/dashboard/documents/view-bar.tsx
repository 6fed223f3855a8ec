import type { ComponentChildren } from 'preact';
import type { Zoom } from './use-zoom.ts';

interface ViewBarProps {
  readonly zoom: Zoom;
  readonly onSave: () => void;
  readonly children?: ComponentChildren;
}

/** What can be done with the document that is shown. */
export function ViewBar({ zoom, onSave, children }: ViewBarProps) {
  return (
    <div class="view-bar" role="toolbar" aria-label="Document">
      {children}
      <span class="view-bar-space" />
      <BarButton label="Smaller" shortcut="-" onClick={zoom.smaller}>
        −
      </BarButton>
      <button type="button" class="bar-button bar-zoom" onClick={zoom.fit} title="Fit the width (0)">
        {Math.round(zoom.factor * 100)} %
      </button>
      <BarButton label="Larger" shortcut="+" onClick={zoom.larger}>
        +
      </BarButton>
      <BarButton label="Turn" shortcut="t" onClick={zoom.turnOn}>
        ↻
      </BarButton>
      <BarButton label="Save" onClick={onSave}>
        ⤓
      </BarButton>
    </div>
  );
}

interface BarButtonProps {
  readonly label: string;
  readonly shortcut?: string;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
  readonly disabled?: boolean;
}

export function BarButton({ label, shortcut, onClick, children, disabled }: BarButtonProps) {
  return (
    <button
      type="button"
      class="bar-button"
      aria-label={label}
      title={shortcut === undefined ? label : `${label} (${shortcut})`}
      aria-keyshortcuts={shortcut}
      onClick={onClick}
      disabled={disabled}
    >
      {children}
    </button>
  );
}
