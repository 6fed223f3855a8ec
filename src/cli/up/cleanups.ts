/** What was started and has to be stopped, the last first. */
export class Cleanups {
  readonly #cleanups: { readonly what: string; readonly run: () => Promise<void> | void }[] = [];

  add(what: string, run: () => Promise<void> | void): void {
    this.#cleanups.push({ what, run });
  }

  /**
   * Runs all of them, whatever fails on the way.
   * @returns what failed, in words
   */
  async run(): Promise<readonly string[]> {
    const failures: string[] = [];
    for (const { what, run } of this.#cleanups.splice(0).reverse()) {
      try {
        await run();
      } catch (error) {
        failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return failures;
  }
}
