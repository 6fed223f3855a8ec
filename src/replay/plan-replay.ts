import type { PurchaseRequest } from './purchase-requests.ts';

/** When each request of a file is submitted in a replay, and which digests that has to give. */
export interface ReplayPlan {
  /** Windows of the file from the first with a request to the last, empty ones included. */
  readonly windowCount: number;
  /** The requests in the order of their times, each with its window and with where in the window it comes, from 0 to 1. */
  readonly steps: readonly { readonly request: PurchaseRequest; readonly window: number; readonly share: number }[];
  /** The lines of each digest that has to come, by `<provider>/<window>`. */
  readonly digests: ReadonlyMap<string, readonly number[]>;
}

/**
 * The plain calculation over a file: cut its time into windows from midnight UTC on, and group by provider.
 * @param windowMilliseconds of the file's time
 */
export function planReplay(requests: readonly PurchaseRequest[], windowMilliseconds: number): ReplayPlan {
  const sorted = [...requests].sort((a, b) => a.at - b.at || a.line - b.line);
  const first = Math.floor((sorted[0]?.at ?? 0) / windowMilliseconds);
  const digests = new Map<string, number[]>();
  const steps = sorted.map((request) => {
    const place = request.at / windowMilliseconds;
    const window = Math.floor(place) - first;
    const key = digestKey(request.provider, window);
    digests.set(key, [...(digests.get(key) ?? []), request.line]);
    return { request, window, share: place - Math.floor(place) };
  });
  return { windowCount: (steps.at(-1)?.window ?? -1) + 1, steps, digests };
}

export function digestKey(provider: string, window: number): string {
  return `${provider}/${window}`;
}
