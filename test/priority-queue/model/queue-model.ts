/** The order law in its plainest form: what a topic holds, and what each verb does to it. */
export interface ModelItem {
  readonly id: string;
  /** How many items came before it. */
  readonly sequence: number;
  priority: number;
  dueMilliseconds: number;
  state: 'ready' | 'delayed' | 'leased' | 'dead';
  attempt: number;
  token: string;
  metadata: number;
}

export const maxAttempts = 3;

export class QueueModel {
  readonly items = new Map<string, ModelItem>();
  /** Tokens that are dead, with their items: no act may land under them. */
  readonly deadTokens: { id: string; token: string }[] = [];
  paused = false;
  /** A lease has ended, and nobody has noticed yet. */
  unswept = false;
  #sequence = 0;

  add(id: string, item: Pick<ModelItem, 'priority' | 'dueMilliseconds' | 'state' | 'metadata'>): void {
    this.items.set(id, { ...item, id, sequence: this.#sequence++, attempt: 0, token: '' });
  }

  of(state: ModelItem['state']): ModelItem[] {
    return [...this.items.values()].filter((item) => item.state === state);
  }

  /** The next ones in the order law's order: priority, then due time, then order of coming. */
  next(count: number): ModelItem[] {
    if (this.paused) return [];
    const ready = this.of('ready').sort(
      (a, b) => a.priority - b.priority || a.dueMilliseconds - b.dueMilliseconds || a.sequence - b.sequence,
    );
    return ready.slice(0, count);
  }

  /** One of those that stand so, whichever the number says; undefined when none does. */
  pick(state: ModelItem['state'], which: number): ModelItem | undefined {
    const all = this.of(state);
    return all[which % Math.max(1, all.length)];
  }

  /** A lease is over: its token is dead. @returns whether the item's attempts are used up */
  end(item: ModelItem): boolean {
    this.deadTokens.push({ id: item.id, token: item.token });
    item.token = '';
    if (item.attempt < maxAttempts) return false;
    item.state = 'dead';
    item.attempt = 0;
    return true;
  }
}
