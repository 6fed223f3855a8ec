import type { Client, OperationResult } from '@urql/preact';
import { useClient } from '@urql/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { explain, explainProblem } from '../graphql/client.ts';
import type { CasePartsFragment, ClaimPartsFragment, Verdict } from '../graphql/documents.ts';
import {
  CaseUpdatesDocument,
  ClaimNextDocument,
  ClaimOneDocument,
  DecideDocument,
  ExtendDocument,
  HeldCasesDocument,
  OneCaseDocument,
  ReleaseDocument,
} from '../graphql/documents.ts';
import { connection } from '../live/connection.ts';
import { announce } from '../parts/announcer.tsx';
import { createStore, useStore } from '../store.ts';
import type { Desk, HeldCase, Loss } from './held-case.ts';
import { takeCase } from './held-case.ts';
import { leftOf, readLeaseClock } from './lease-clock.ts';

/** How long one request waits for a case while the auditor does. */
const waitMilliseconds = 20_000;

interface Place {
  readonly namespace: string;
}

/** How an attempt to end a lease went: it is over, it was over already, or nothing happened and why. */
export type Ending = { readonly kind: 'done' | 'lost' } | { readonly kind: 'refused'; readonly message: string };

/** What happens at one auditor's desk, as far as the gateway is concerned. */
export interface DeskActions {
  /** @param wait stays until there is a case */
  claim(topics: readonly string[], wait: boolean): Promise<void>;
  /** From the topics of the last claim, or from one if there was none here. */
  claimNext(topic: string): Promise<void>;
  stopWaiting(): void;
  /** Takes back a case that was lost and that nobody has. */
  claimAgain(caseId: string): Promise<void>;
  /** @returns whether the lease is longer now */
  extend(): Promise<boolean>;
  release(reason: string): Promise<Ending>;
  /** @param key the same for every attempt at one decision */
  decide(verdict: Verdict, reason: string, key: string): Promise<Ending>;
  putAway(): void;
  reload(): Promise<void>;
}

export function useDesk(place: Place): { readonly desk: Desk; readonly actions: DeskActions } {
  const client = useClient();
  const { store, actions, follow, verify, end } = useMemo(() => createDesk(client, place), [client]);
  const desk = useStore(store);
  const caseId = desk.kind === 'holding' || desk.kind === 'lost' ? desk.held.case.id : undefined;
  useEffect(() => {
    void actions.reload();
    return end;
  }, []);
  useEffect(() => (caseId === undefined ? undefined : follow(caseId)), [caseId]);
  useLeaseEnd(desk, verify);
  return { desk, actions };
}

/** Asks the server when the lease should be over by our count; only its answer is believed. */
function useLeaseEnd(desk: Desk, verify: () => Promise<void>): void {
  const clock = desk.kind === 'holding' ? desk.held.clock : undefined;
  const [again, setAgain] = useState(0);
  const latest = useRef(verify);
  latest.current = verify;
  useEffect(() => {
    if (clock === undefined) return;
    const timer = setTimeout(
      () => void latest.current().finally(() => setAgain((count) => count + 1)),
      leftOf(clock) + (again === 0 ? 300 : 3_000),
    );
    return () => clearTimeout(timer);
  }, [clock, again]);
}

function createDesk(client: Client, { namespace }: Place) {
  const store = createStore<Desk>({ kind: 'loading' });
  let waiting: (() => void) | undefined;
  let acting = false;
  let lastTopics: readonly string[] | undefined;
  const holding = (): HeldCase | undefined => {
    const now = store.get();
    return now.kind === 'holding' ? now.held : undefined;
  };
  const lose = (loss: Loss): void => {
    const held = holding();
    if (held === undefined) return;
    store.set({ kind: 'lost', held, loss });
  };
  const take = (result: ClaimPartsFragment): void => {
    switch (result.__typename) {
      case 'CaseClaimed':
        store.set({ kind: 'holding', held: takeCase(result) });
        return;
      case 'ClaimLimitReached': {
        const [first] = result.leases;
        // It ended in the very moment in which it was counted.
        store.set(first === undefined ? { kind: 'free', waiting: false } : { kind: 'holding', held: takeCase(first) });
        return;
      }
      case 'NoCaseAvailable':
        store.set({
          kind: 'free',
          waiting: false,
          empty: { reason: result.emptyReason, nextEligibleAt: result.nextEligibleAt },
        });
        return;
      case 'TopicPaused':
        store.set({ kind: 'free', waiting: false, empty: { reason: 'PAUSED' } });
        return;
      default:
        announce(explainProblem(result), 'bad');
        if (store.get().kind === 'free') store.set({ kind: 'free', waiting: false });
        if (store.get().kind === 'lost') void verify();
    }
  };
  /** @returns the data, or undefined after the error was said */
  const say = <Data>(result: OperationResult<Data>): Data | undefined => {
    if (result.error !== undefined) announce(explain(result.error), 'bad');
    return result.error === undefined ? result.data : undefined;
  };

  const reload = async (): Promise<void> => {
    const result = await client.query(HeldCasesDocument, { namespace }).toPromise();
    if (result.error !== undefined) return store.set({ kind: 'failed', message: explain(result.error) });
    const [first] = result.data?.myLeases ?? [];
    store.set(first === undefined ? { kind: 'free', waiting: false } : { kind: 'holding', held: takeCase(first) });
  };

  const look = (topics: readonly string[], waitMs: number): Promise<'found' | 'none' | 'stopped'> =>
    new Promise((resolve) => {
      const { unsubscribe } = client
        .mutation(ClaimNextDocument, { input: { namespace, topics, waitMs } })
        .subscribe((result) => {
          waiting = undefined;
          const data = say(result);
          if (data === undefined) store.set({ kind: 'free', waiting: false });
          else if (waitMs > 0 && data.claimNextCase.__typename === 'NoCaseAvailable') return resolve('none');
          else take(data.claimNextCase);
          resolve('found');
        });
      // Ending the request tells the gateway, which then hands out nothing.
      waiting = () => {
        unsubscribe();
        resolve('stopped');
      };
    });

  const verify = async (): Promise<void> => {
    const now = store.get();
    if ((now.kind !== 'holding' && now.kind !== 'lost') || acting) return;
    const { held } = now;
    const { data } = await client.query(OneCaseDocument, { id: held.case.id }).toPromise();
    if (data?.case != null) compare(data.case);
  };

  /** What the server says of the case in hand, now. */
  const compare = (found: CasePartsFragment): void => {
    const now = store.get();
    if ((now.kind !== 'holding' && now.kind !== 'lost') || now.held.case.id !== found.id) return;
    const { lease, decision } = found;
    if (lease?.token === now.held.clock.token) {
      if (now.kind === 'holding') {
        store.set({ kind: 'holding', held: { ...now.held, clock: readLeaseClock(lease, now.held.clock) } });
      }
      return;
    }
    const loss: Loss = {
      holder: lease?.holder ?? null,
      since: lease?.acquiredAt ?? null,
      reclaimable: lease === null && decision === null,
      decidedBy: decision?.decidedBy ?? undefined,
    };
    store.set({ kind: 'lost', held: now.held, loss });
  };

  /** Does what ends our lease; when no answer came, the server says what became of it. */
  const act = async <Data>(send: () => Promise<OperationResult<Data>>): Promise<OperationResult<Data>> => {
    acting = true;
    const result = await send();
    acting = false;
    if (result.error !== undefined) void verify();
    return result;
  };
  const refuse = (message: string): Ending => ({ kind: 'refused', message });

  const actions: DeskActions = {
    reload,
    async claim(topics, wait) {
      if (waiting !== undefined) return;
      lastTopics = topics;
      store.set({ kind: 'free', waiting: wait });
      let outcome = await look(topics, wait ? waitMilliseconds : 0);
      while (outcome === 'none') outcome = await look(topics, waitMilliseconds);
      // It may have been handed out in the very moment in which we stopped.
      if (outcome === 'stopped') await reload();
    },
    claimNext: (topic) => actions.claim(lastTopics ?? [topic], false),
    stopWaiting() {
      waiting?.();
      waiting = undefined;
    },
    async claimAgain(caseId) {
      const data = say(await client.mutation(ClaimOneDocument, { input: { caseId } }).toPromise());
      if (data !== undefined) take(data.claimCase);
    },
    async extend() {
      const held = holding();
      if (held === undefined) return false;
      const seconds = Math.max(1, Math.round(held.clock.lengthMilliseconds / 1_000));
      const input = { caseId: held.case.id, leaseToken: held.clock.token, seconds };
      const result = say(await client.mutation(ExtendDocument, { input }).toPromise())?.extendLease;
      const now = holding();
      if (result === undefined || now === undefined || now.case.id !== held.case.id) return false;
      if (result.__typename === 'LeaseLost') {
        lose(result);
        return false;
      }
      if (result.__typename === 'LeaseLimitReached') {
        store.set({ kind: 'holding', held: { ...now, latestEnd: result.latestEnd } });
        return false;
      }
      store.set({ kind: 'holding', held: { ...now, clock: readLeaseClock(result.lease, now.clock) } });
      return true;
    },
    async release(reason) {
      const held = holding();
      if (held === undefined) return { kind: 'lost' };
      const input = { caseId: held.case.id, leaseToken: held.clock.token, reason: reason.trim() || null };
      const { data, error } = await act(() => client.mutation(ReleaseDocument, { input }).toPromise());
      if (error !== undefined) return refuse(explain(error));
      const result = data!.releaseCase;
      if (result.__typename === 'LeaseLost') {
        lose(result);
        return { kind: 'lost' };
      }
      store.set({ kind: 'free', waiting: false });
      return { kind: 'done' };
    },
    async decide(verdict, reason, key) {
      const held = holding();
      if (held === undefined) return { kind: 'lost' };
      const input = {
        caseId: held.case.id,
        leaseToken: held.clock.token,
        verdict,
        reason: reason.trim() || null,
        idempotencyKey: key,
      };
      const { data, error } = await act(() => client.mutation(DecideDocument, { input }).toPromise());
      if (error !== undefined) return refuse(explain(error));
      const result = data!.decide;
      switch (result.__typename) {
        case 'CaseDecided':
          store.set({ kind: 'free', waiting: false });
          return { kind: 'done' };
        case 'LeaseLost':
          lose(result);
          return { kind: 'lost' };
        case 'AlreadyDecided':
          lose({ holder: null, since: null, reclaimable: false, decidedBy: result.decision.decidedBy ?? 'somebody' });
          return { kind: 'lost' };
        default:
          return refuse(explainProblem(result));
      }
    },
    putAway: () => store.set({ kind: 'free', waiting: false }),
  };

  const follow = (caseId: string): (() => void) => {
    const stopUpdates = client.subscription(CaseUpdatesDocument, { namespace, caseId }).subscribe(({ data }) => {
      const update = data?.caseUpdated;
      if (update?.case == null) return;
      // What we are just doing ourselves comes back this way too, sometimes before its answer.
      if (acting) return;
      compare(update.case);
    }).unsubscribe;
    // Without a first update there is no cursor to go on from, so a new line begins with a look.
    const stopListening = connection.listen(() => {
      if (connection.get().kind === 'back') void verify();
    });
    return () => {
      stopUpdates();
      stopListening();
    };
  };

  return { store, actions, follow, verify, end: () => actions.stopWaiting() };
}
