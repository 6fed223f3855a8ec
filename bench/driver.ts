import { setTimeout as delay } from 'node:timers/promises';
import { answerParent } from './child.ts';
import { HttpCaller } from './http-caller.ts';
import { documentId, prepareClaim, prepareDecide, prepareRegister, prepareSubmit, readUuid } from './operations.ts';
import type { Measurement } from './recorder.ts';
import { Recorder } from './recorder.ts';

/** A closed loop: each caller waits for its answer before it asks again. */
export interface DrivePlan {
  readonly port: number;
  readonly work: 'register' | 'submit' | 'pairs';
  /** One for each caller. */
  readonly tokens: readonly string[];
  readonly warmUpSeconds: number;
  readonly measureSeconds: number;
  /** Names the documents that lie ready; see `documentId`. */
  readonly run: number;
  readonly documentsPerCaller: number;
}

const settleMilliseconds = 3_000;

/** What all callers of one run share. */
interface Loop {
  readonly plan: DrivePlan;
  readonly recorder: Recorder;
  readonly stop: PromiseWithResolvers<void>;
  over: boolean;
}

if (import.meta.main) answerParent<DrivePlan, Measurement>(drive);

async function drive(plan: DrivePlan, onMeasuring: () => void): Promise<Measurement> {
  const loop: Loop = { plan, recorder: new Recorder(), stop: Promise.withResolvers(), over: false };
  const callers = await Promise.all(plan.tokens.map(() => HttpCaller.open(plan.port, loop.stop.reject)));
  try {
    for (const [index, caller] of callers.entries()) {
      if (plan.work === 'register') registerAgainAndAgain(loop, caller, index);
      else if (plan.work === 'submit') submitAgainAndAgain(loop, caller, index);
      else workOffPairs(loop, caller, index);
    }
    await Promise.race([delay(plan.warmUpSeconds * 1_000), loop.stop.promise]);
    loop.recorder.start();
    onMeasuring();
    await Promise.race([delay(plan.measureSeconds * 1_000), loop.stop.promise]);
    loop.recorder.end();
    loop.over = true;
    // What is under way would otherwise change rows while the next run's are being laid out.
    await Promise.race([Promise.all(callers.map((caller) => caller.settled())), delay(settleMilliseconds)]);
    return loop.recorder.result();
  } finally {
    loop.over = true;
    for (const caller of callers) caller.close();
  }
}

function registerAgainAndAgain(loop: Loop, caller: HttpCaller, index: number): void {
  const { plan, recorder } = loop;
  const request = prepareRegister(plan.tokens[index]!);
  let number = 0;
  const next = (): void => {
    if (loop.over) return;
    if (number >= plan.documentsPerCaller) {
      endDry(loop);
      return;
    }
    const begunAt = performance.now();
    caller.exchange(request(documentId(plan.run, index, number)), (body, status) => {
      if (!body.includes('"CaseRegistered"')) return fail(loop, 'register', body, status);
      recorder.answered('register', begunAt);
      recorder.completed();
      next();
    });
    number += 1;
  };
  next();
}

function submitAgainAndAgain(loop: Loop, caller: HttpCaller, index: number): void {
  const { plan, recorder } = loop;
  const request = prepareSubmit(plan.tokens[index]!, index);
  let number = 0;
  const next = (): void => {
    if (loop.over) return;
    const begunAt = performance.now();
    caller.exchange(request(documentId(plan.run, index, number)), (body, status) => {
      if (!body.includes('"RequestSubmitted"')) return fail(loop, 'submitRequest', body, status);
      recorder.answered('submit', begunAt);
      recorder.completed();
      next();
    });
    number += 1;
  };
  next();
}

function workOffPairs(loop: Loop, caller: HttpCaller, index: number): void {
  const { plan, recorder } = loop;
  const claimRequest = prepareClaim(plan.tokens[index]!);
  const decideRequest = prepareDecide(plan.tokens[index]!);
  const claim = (): void => {
    if (loop.over) return;
    const begunAt = performance.now();
    caller.exchange(claimRequest, (body, status) => {
      if (body.includes('"NoCaseAvailable"')) return endDry(loop);
      if (!body.includes('"CaseClaimed"')) return fail(loop, 'claim', body, status);
      recorder.answered('claim', begunAt);
      decide(readUuid(body, 'id'), readUuid(body, 'token'));
    });
  };
  const decide = (caseId: string, leaseToken: string): void => {
    if (loop.over) return;
    const begunAt = performance.now();
    caller.exchange(decideRequest(caseId, leaseToken), (body, status) => {
      if (!body.includes('"CaseDecided"')) return fail(loop, 'decide', body, status);
      recorder.answered('decide', begunAt);
      recorder.completed();
      claim();
    });
  };
  claim();
}

function endDry(loop: Loop): void {
  loop.recorder.end(true);
  loop.over = true;
  loop.stop.resolve();
}

/** Any other answer than the expected one makes the figures worthless. */
function fail(loop: Loop, what: string, body: string, status: number): void {
  if (loop.over) return;
  loop.over = true;
  loop.stop.reject(new Error(`${what} was answered with ${status}: ${body.slice(0, 500)}`));
}
