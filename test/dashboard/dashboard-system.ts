import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { issueToken } from '../../src/auth/tokens.ts';
import type { Actor, Role } from '../../src/domain/actor.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { buildDashboard } from '../../src/site/build-dashboard.ts';
import type { RunningProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';
import { findChromium, launchChromium } from './browser.ts';

/** A system with the dashboard on it, and a browser. */
export class DashboardSystem {
  readonly system: TestSystem;
  readonly browser: Browser;
  readonly url: string;
  /** The ids of all cases that were registered here. */
  readonly registered: string[] = [];
  readonly #port: number;
  readonly #environment: Readonly<Record<string, string>>;
  #gateway: RunningProgram;

  private constructor(
    system: TestSystem,
    browser: Browser,
    port: number,
    gateway: RunningProgram,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#environment = environment;
    this.system = system;
    this.browser = browser;
    this.#port = port;
    this.#gateway = gateway;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** @param environment of the gateway, over what the tests usually have */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<DashboardSystem> {
    const [system, browser, port] = await Promise.all([
      TestSystem.start(),
      launchChromium(findChromium()!),
      findFreePort(),
      buildDashboard(),
    ]);
    await system.runScheduler();
    return new DashboardSystem(system, browser, port, await runGateway(system, port, environment), environment);
  }

  async stopGateway(): Promise<void> {
    await this.#gateway.stop();
  }

  /** On the same port, as a restart of the program does. */
  async startGateway(): Promise<void> {
    this.#gateway = await runGateway(this.system, this.#port, this.#environment);
  }

  get services(): RunningProgram['foundation']['services'] {
    return this.#gateway.foundation.services;
  }

  /** Registers a case with a PDF, by the verbs and the URL that every client uses. @returns its id */
  async register(name: string, topic = 'cases'): Promise<string> {
    const bytes = readFileSync(samplePdf);
    const upload = await this.services.createUpload(alice, {
      namespace: 'acme',
      fileName: 'extract.pdf',
      contentType: 'application/pdf',
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    const { pathname, search } = new URL(upload.url);
    const stored = await fetch(`${this.url}${pathname}${search}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/pdf' },
      body: bytes,
    });
    if (!stored.ok) throw new Error(await stored.text());
    const result = await this.services.register(alice, {
      namespace: 'acme',
      topic,
      applicant: { name, email: 'office@example.com', details: { country: 'FI' } },
      documents: [{ documentId: upload.documentId, kind: 'register-extract' }],
      priority: 0,
      idempotencyKey: null,
      region: null,
    });
    if (result.kind !== 'registered') throw new Error(result.kind);
    this.registered.push(result.held.case.id);
    return result.held.case.id;
  }

  /** Runs a worker in this process. */
  async runWorker(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.system.runWorker(environment);
  }

  /** Sends an operation as somebody, as any client does. @returns its data */
  async ask(
    subject: string,
    roles: readonly Role[],
    query: string,
    variables: object,
  ): Promise<Record<string, unknown>> {
    const secret = this.system.authSecret;
    const token = await issueToken({ subject, namespace: 'acme', roles, secret, expiresInSeconds: 600 });
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: Record<string, unknown>; errors?: unknown };
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    return data;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.system.close();
  }
}

export const samplePdf = new URL('../../data/documents/pdflatex-4-pages.pdf', import.meta.url);

export const alice: Actor = actor('alice', 'applicant');
export const bob: Actor = actor('bob', 'auditor');
export const carol: Actor = actor('carol', 'auditor');

function actor(subject: string, role: 'applicant' | 'auditor'): Actor {
  return { subject, namespace: 'acme', roles: new Set([role]), expiresAtSeconds: undefined };
}

function runGateway(
  system: TestSystem,
  port: number,
  environment: Readonly<Record<string, string>>,
): Promise<RunningProgram> {
  return system.runGateway({ PORT: String(port), DEVELOPMENT_SIGN_IN: 'true', ...environment });
}
