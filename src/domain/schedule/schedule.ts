/** When a recipient's windows end. All wall times are of its own time zone. */
export interface Schedule {
  readonly timeZone: string;
  readonly rhythm: Rhythm;
  readonly quietHours: QuietHours | null;
}

export type Rhythm =
  | {
      readonly kind: 'interval';
      readonly milliseconds: number;
      /** A wall time at which a window ends; the others lie whole intervals before and after it. */
      readonly anchor: number;
    }
  | { readonly kind: 'cron'; readonly expression: string };

/** Minutes after midnight. A window that would end in between ends when the quiet hours do. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
}

/** Milliseconds since 1970: from `start` on, before `end`. */
export interface Window {
  readonly start: number;
  readonly end: number;
}
